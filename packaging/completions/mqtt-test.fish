# fish completion for mqtt-test: put it into a folder of `fish_complete_path`, under this name.

# The command, or `check` for none, and how many words that are no flags stand before the cursor.
function __mqtt_test_place
    set -l command check
    set -l free 0
    set -l skip
    for word in (commandline -opc)[2..]
        if set -q skip[1]
            # It is the value of the flag before it.
            set -e skip
            continue
        end
        switch $word
            # made: flags with a value
            case --set -t --topic -m --message -q --qos -i --client-id -u --username --timeout -f --file --repeat --interval --rate --retained -C --count --for --content-type --response-topic --correlation-data --message-expiry --payload-format --user-property --retain-handling --subscription-id --give-up --color --colour
                set skip yes
            # end
            case '-*'
            case '*'
                if test $free -eq 0; and contains -- $word $__mqtt_test_commands
                    set command $word
                end
                set free (math $free + 1)
        end
    end
    echo $command
    echo $free
end

function __mqtt_test_of
    contains -- (__mqtt_test_place)[1] $argv
end

function __mqtt_test_at
    test (string join ' ' (__mqtt_test_place)) = "$argv"
end

function __mqtt_test_setting
    set -l typed (commandline -ct | string replace -r '^--set=' '')
    if set -l key (string match -r '^.*_file=' -- $typed)
        set -l file (string replace -r '^.*_file=' '' -- $typed)
        for path in (__fish_complete_path $file)
            echo $key$path
        end
    else if not string match -q '*=*' -- $typed
        printf '%s\n' $__mqtt_test_settings
    end
end

# made: words
set -g __mqtt_test_commands pub sub request new explain help
set -g __mqtt_test_settings host= port= tls= sni= server_name= ca_file= system_roots= pin_sha256= cert_file= key_file= alpn= tls_version= username= password= password_file= password_env= client_id= protocol= clean_session= keep_alive= timeout= check= topic= qos= retain= message= max_packet_size= will_topic= will_message= will_qos= will_retain= session_expiry= receive_maximum= topic_alias_maximum= user_property. content_type= response_topic= correlation_data= message_expiry= payload_format= message_property.
# end

complete -c mqtt-test -f
complete -c mqtt-test -n '__mqtt_test_at check 0' -F
complete -c mqtt-test -n '__mqtt_test_at pub 1; or __mqtt_test_at sub 1; or __mqtt_test_at request 1' -F
# made: commands
complete -c mqtt-test -n '__mqtt_test_at check 0' -a 'pub' -d 'publish a message, a file, or lines'
complete -c mqtt-test -n '__mqtt_test_at check 0' -a 'sub' -d 'print messages as they arrive'
complete -c mqtt-test -n '__mqtt_test_at check 0' -a 'request' -d 'publish a question, print the answer'
complete -c mqtt-test -n '__mqtt_test_at check 0' -a 'new' -d 'print a commented config file to start from'
complete -c mqtt-test -n '__mqtt_test_at check 0' -a 'explain' -d 'what a code means, and what to do'
complete -c mqtt-test -n '__mqtt_test_at check 0' -a 'help' -d 'print the help'
complete -c mqtt-test -n '__mqtt_test_at new 1' -a 'hivemq emqx aws azure thingsboard mosquitto local'
complete -c mqtt-test -n '__mqtt_test_at explain 1' -a 'usage-invalid config-unreadable password-unavailable ca-file-invalid client-cert-invalid client-key-invalid client-key-encrypted client-key-mismatch no-trust-roots config-invalid host-invalid qos-unsupported alpn-required dns-not-found dns-unavailable tcp-refused tcp-timeout tcp-unreachable tls-not-tls tls-closed tls-timeout tls-version tls-no-common-cipher tls-unrecognised-name tls-no-sni tls-alpn tls-alert tls-unknown-issuer tls-missing-intermediate tls-self-signed tls-pin-mismatch tls-ca-as-leaf tls-expired tls-not-yet-valid tls-clock-wrong tls-name-mismatch tls-no-san tls-v1-certificate tls-weak-key tls-bad-certificate tls-client-cert-required tls-client-cert-rejected mqtt-is-tls mqtt-is-websocket mqtt-not-mqtt mqtt-closed mqtt-timeout mqtt-taken-over mqtt-bad-credentials mqtt-not-authorized mqtt-client-id-rejected mqtt-server-unavailable mqtt-version mqtt-refused subscribe-denied subscribe-closed subscribe-timeout publish-denied publish-closed publish-timeout publish-too-large publish-input-failed receive-timeout receive-too-large receive-altered receive-closed connection-lost output-failed interrupted system-limit cert-expires-soon ca-expired sni-not-sent password-in-clear config-world-readable address-failed clock-suspect qos-downgraded roots-skipped'
complete -c mqtt-test -n '__mqtt_test_at help 1' -a 'pub sub request'
# end
# made: flags
complete -c mqtt-test -n '__mqtt_test_of check' -l set -x -a '(__mqtt_test_setting)' -d 'any key; may be repeated'
complete -c mqtt-test -n '__mqtt_test_of check' -s t -l topic -x -d 'where to publish and listen'
complete -c mqtt-test -n '__mqtt_test_of check' -s m -l message -x -d 'what to publish'
complete -c mqtt-test -n '__mqtt_test_of check' -s q -l qos -x -a '0 1 2' -d 'quality of service'
complete -c mqtt-test -n '__mqtt_test_of check' -s r -l retain -d 'ask the broker to keep the message'
complete -c mqtt-test -n '__mqtt_test_of check' -s i -l client-id -x -d 'who we are to the broker'
complete -c mqtt-test -n '__mqtt_test_of check' -s u -l username -x -d 'the password comes from password_env or password_file, never from a flag'
complete -c mqtt-test -n '__mqtt_test_of check' -l timeout -x -d 'for each stage: 500ms, 15s, 2m'
complete -c mqtt-test -n '__mqtt_test_of check' -l json -d 'one JSON object on standard output'
complete -c mqtt-test -n '__mqtt_test_of check' -l quiet -d 'nothing when it works'
complete -c mqtt-test -n '__mqtt_test_of check' -l verbose -d 'more evidence'
complete -c mqtt-test -n '__mqtt_test_of check' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c mqtt-test -n '__mqtt_test_of check' -s h -l help -d 'print the help'
complete -c mqtt-test -n '__mqtt_test_of check' -s V -l version -d 'the version of this program'
complete -c mqtt-test -n '__mqtt_test_of pub' -l set -x -a '(__mqtt_test_setting)' -d 'any key; may be repeated'
complete -c mqtt-test -n '__mqtt_test_of pub' -s t -l topic -x -d 'where to'
complete -c mqtt-test -n '__mqtt_test_of pub' -s m -l message -x -d 'this text'
complete -c mqtt-test -n '__mqtt_test_of pub' -s q -l qos -x -a '0 1 2' -d 'quality of service'
complete -c mqtt-test -n '__mqtt_test_of pub' -s r -l retain -d 'ask the broker to keep the message'
complete -c mqtt-test -n '__mqtt_test_of pub' -s i -l client-id -x -d 'who we are to the broker'
complete -c mqtt-test -n '__mqtt_test_of pub' -s u -l username -x -d 'the password comes from password_env or password_file, never from a flag'
complete -c mqtt-test -n '__mqtt_test_of pub' -l timeout -x -d 'for each stage: 500ms, 15s, 2m'
complete -c mqtt-test -n '__mqtt_test_of pub' -s f -l file -r -F -d 'the bytes of a file'
complete -c mqtt-test -n '__mqtt_test_of pub' -s n -l null -d 'nothing: an empty message'
complete -c mqtt-test -n '__mqtt_test_of pub' -s s -l stdin -d 'standard input as one message'
complete -c mqtt-test -n '__mqtt_test_of pub' -s l -l lines -d 'each line of standard input, as it comes'
complete -c mqtt-test -n '__mqtt_test_of pub' -l repeat -x -d 'the message N times (not with -l)'
complete -c mqtt-test -n '__mqtt_test_of pub' -l interval -x -d 'minimum time between messages'
complete -c mqtt-test -n '__mqtt_test_of pub' -l rate -x -d 'at most N messages a second'
complete -c mqtt-test -n '__mqtt_test_of pub' -l content-type -x -d 'what it is, such as application/json'
complete -c mqtt-test -n '__mqtt_test_of pub' -l response-topic -x -d 'where an answer is awaited'
complete -c mqtt-test -n '__mqtt_test_of pub' -l correlation-data -x -d 'what an answer is known by'
complete -c mqtt-test -n '__mqtt_test_of pub' -l message-expiry -x -d 'how long the broker keeps it for others'
complete -c mqtt-test -n '__mqtt_test_of pub' -l payload-format -x -a 'text bytes' -d 'text (UTF-8) or bytes'
complete -c mqtt-test -n '__mqtt_test_of pub' -l user-property -x -d 'may be repeated, with other names'
complete -c mqtt-test -n '__mqtt_test_of pub' -l no-reconnect -d 'end when the connection is lost'
complete -c mqtt-test -n '__mqtt_test_of pub' -l give-up -x -d 'how long to keep trying to reconnect (5m)'
complete -c mqtt-test -n '__mqtt_test_of pub' -l json -d 'as JSON lines on standard output'
complete -c mqtt-test -n '__mqtt_test_of pub' -l quiet -d 'only what ends it'
complete -c mqtt-test -n '__mqtt_test_of pub' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c mqtt-test -n '__mqtt_test_of pub' -s h -l help -d 'print the help'
complete -c mqtt-test -n '__mqtt_test_of sub' -l set -x -a '(__mqtt_test_setting)' -d 'any key; may be repeated'
complete -c mqtt-test -n '__mqtt_test_of sub' -s t -l topic -x -d 'a filter (+, #); may be repeated; else `topic`'
complete -c mqtt-test -n '__mqtt_test_of sub' -s q -l qos -x -a '0 1 2' -d 'at most this quality of service'
complete -c mqtt-test -n '__mqtt_test_of sub' -s i -l client-id -x -d 'who we are to the broker'
complete -c mqtt-test -n '__mqtt_test_of sub' -s u -l username -x -d 'the password comes from password_env or password_file, never from a flag'
complete -c mqtt-test -n '__mqtt_test_of sub' -l timeout -x -d 'for each stage: 500ms, 15s, 2m'
complete -c mqtt-test -n '__mqtt_test_of sub' -l retained -x -a 'only skip' -d 'only those that the broker kept, or none of them'
complete -c mqtt-test -n '__mqtt_test_of sub' -s C -l count -x -d 'end after N messages'
complete -c mqtt-test -n '__mqtt_test_of sub' -l for -x -d 'end after this time'
complete -c mqtt-test -n '__mqtt_test_of sub' -l no-local -d 'none that this client published'
complete -c mqtt-test -n '__mqtt_test_of sub' -l retain-as-published -d 'with the retain flag that their publisher set'
complete -c mqtt-test -n '__mqtt_test_of sub' -l retain-handling -x -a '0 1 2' -d 'kept ones come: always, to new filters, never'
complete -c mqtt-test -n '__mqtt_test_of sub' -l subscription-id -x -d 'a number that comes with each message'
complete -c mqtt-test -n '__mqtt_test_of sub' -l no-reconnect -d 'end when the connection is lost'
complete -c mqtt-test -n '__mqtt_test_of sub' -l give-up -x -d 'how long to keep trying to reconnect (forever)'
complete -c mqtt-test -n '__mqtt_test_of sub' -s v -l topics -d 'the topic before the payload'
complete -c mqtt-test -n '__mqtt_test_of sub' -l json -d 'JSON: topic, qos, retain, time, length, payload'
complete -c mqtt-test -n '__mqtt_test_of sub' -l raw -d 'the bytes and nothing else'
complete -c mqtt-test -n '__mqtt_test_of sub' -l hex -d 'the payload in hexadecimal'
complete -c mqtt-test -n '__mqtt_test_of sub' -l quiet -d 'no totals; only what ends it'
complete -c mqtt-test -n '__mqtt_test_of sub' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c mqtt-test -n '__mqtt_test_of sub' -s h -l help -d 'print the help'
complete -c mqtt-test -n '__mqtt_test_of request' -l set -x -a '(__mqtt_test_setting)' -d 'any key; may be repeated'
complete -c mqtt-test -n '__mqtt_test_of request' -s t -l topic -x -d 'where to'
complete -c mqtt-test -n '__mqtt_test_of request' -s m -l message -x -d 'this text'
complete -c mqtt-test -n '__mqtt_test_of request' -s q -l qos -x -a '0 1 2' -d 'quality of service'
complete -c mqtt-test -n '__mqtt_test_of request' -s i -l client-id -x -d 'who we are to the broker'
complete -c mqtt-test -n '__mqtt_test_of request' -s u -l username -x -d 'the password comes from password_env or password_file, never from a flag'
complete -c mqtt-test -n '__mqtt_test_of request' -l timeout -x -d 'for the answers, as for each stage (15s)'
complete -c mqtt-test -n '__mqtt_test_of request' -s f -l file -r -F -d 'the bytes of a file'
complete -c mqtt-test -n '__mqtt_test_of request' -s n -l null -d 'nothing: an empty message'
complete -c mqtt-test -n '__mqtt_test_of request' -s s -l stdin -d 'standard input as one message'
complete -c mqtt-test -n '__mqtt_test_of request' -s C -l count -x -d 'wait for N answers (1)'
complete -c mqtt-test -n '__mqtt_test_of request' -l content-type -x -d 'what it is, such as application/json'
complete -c mqtt-test -n '__mqtt_test_of request' -l response-topic -x -d 'where the answers come (in MQTT 5: mqtt-test/{client_id}/response)'
complete -c mqtt-test -n '__mqtt_test_of request' -l correlation-data -x -d 'what the answers are known by (else made up)'
complete -c mqtt-test -n '__mqtt_test_of request' -l message-expiry -x -d 'how long the broker keeps it for others'
complete -c mqtt-test -n '__mqtt_test_of request' -l payload-format -x -a 'text bytes' -d 'text (UTF-8) or bytes'
complete -c mqtt-test -n '__mqtt_test_of request' -l user-property -x -d 'may be repeated, with other names'
complete -c mqtt-test -n '__mqtt_test_of request' -s v -l topics -d 'the topic before the payload'
complete -c mqtt-test -n '__mqtt_test_of request' -l json -d 'JSON: the same as `sub`, and the round-trip time'
complete -c mqtt-test -n '__mqtt_test_of request' -l raw -d 'the bytes and nothing else'
complete -c mqtt-test -n '__mqtt_test_of request' -l hex -d 'the payload in hexadecimal'
complete -c mqtt-test -n '__mqtt_test_of request' -l quiet -d 'the answers alone, or what ends it'
complete -c mqtt-test -n '__mqtt_test_of request' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c mqtt-test -n '__mqtt_test_of request' -s h -l help -d 'print the help'
complete -c mqtt-test -n '__mqtt_test_of new' -s h -l help -d 'print the help'
complete -c mqtt-test -n '__mqtt_test_of explain' -l json -d 'one JSON object on standard output'
complete -c mqtt-test -n '__mqtt_test_of explain' -s h -l help -d 'print the help'
# end
