# bash completion for mqtt-test: source it, or put it where bash-completion looks, as
# /usr/share/bash-completion/completions/mqtt-test.

# The words that fit in a place, into `words`; a flag of its own for each command.
_mqtt_test_words() {
    case $1 in
    # made: words
    'commands') words='pub sub request new explain help' ;;
    'settings') words='host= port= tls= sni= server_name= ca_file= system_roots= pin_sha256= cert_file= key_file= alpn= tls_version= username= password= password_file= password_env= client_id= protocol= clean_session= keep_alive= timeout= check= topic= qos= retain= message= max_packet_size= will_topic= will_message= will_qos= will_retain= session_expiry= receive_maximum= topic_alias_maximum= user_property. content_type= response_topic= correlation_data= message_expiry= payload_format= message_property.' ;;
    'after new') words='hivemq emqx aws azure thingsboard mosquitto local' ;;
    'after explain') words='usage-invalid config-unreadable password-unavailable ca-file-invalid client-cert-invalid client-key-invalid client-key-encrypted client-key-mismatch no-trust-roots config-invalid host-invalid qos-unsupported alpn-required dns-not-found dns-unavailable tcp-refused tcp-timeout tcp-unreachable tls-not-tls tls-closed tls-timeout tls-version tls-no-common-cipher tls-unrecognised-name tls-no-sni tls-alpn tls-alert tls-unknown-issuer tls-missing-intermediate tls-self-signed tls-pin-mismatch tls-ca-as-leaf tls-expired tls-not-yet-valid tls-clock-wrong tls-name-mismatch tls-no-san tls-v1-certificate tls-weak-key tls-bad-certificate tls-client-cert-required tls-client-cert-rejected mqtt-is-tls mqtt-is-websocket mqtt-not-mqtt mqtt-closed mqtt-timeout mqtt-taken-over mqtt-bad-credentials mqtt-not-authorized mqtt-client-id-rejected mqtt-server-unavailable mqtt-version mqtt-refused subscribe-denied subscribe-closed subscribe-timeout publish-denied publish-closed publish-timeout publish-too-large publish-input-failed receive-timeout receive-too-large receive-altered receive-closed connection-lost output-failed interrupted system-limit cert-expires-soon ca-expired sni-not-sent password-in-clear config-world-readable address-failed clock-suspect qos-downgraded roots-skipped' ;;
    'after help') words='pub sub request' ;;
    'flags of check') words='--set -t --topic -m --message -q --qos -r --retain -i --client-id -u --username --timeout --json --quiet --verbose --color -h --help -V --version' ;;
    'flags of pub') words='--set -t --topic -m --message -q --qos -r --retain -i --client-id -u --username --timeout -f --file -n --null -s --stdin -l --lines --repeat --interval --rate --content-type --response-topic --correlation-data --message-expiry --payload-format --user-property --no-reconnect --give-up --json --quiet --color -h --help' ;;
    'flags of sub') words='--set -t --topic -q --qos -i --client-id -u --username --timeout --retained -C --count --for --no-local --retain-as-published --retain-handling --subscription-id --no-reconnect --give-up -v --topics --json --raw --hex --quiet --color -h --help' ;;
    'flags of request') words='--set -t --topic -m --message -q --qos -i --client-id -u --username --timeout -f --file -n --null -s --stdin -C --count --content-type --response-topic --correlation-data --message-expiry --payload-format --user-property -v --topics --json --raw --hex --quiet --color -h --help' ;;
    'flags of new') words='-h --help' ;;
    'flags of explain') words='--json -h --help' ;;
    # end
    *) words= ;;
    esac
}

# What the value of a flag is, into `value`: words to choose from, or FILE, SETTING or ANY; empty: it
# takes none.
_mqtt_test_value() {
    case $1 in
    # made: values
    --set) value='SETTING' ;;
    -t | --topic) value='ANY' ;;
    -m | --message) value='ANY' ;;
    -q | --qos) value='0 1 2' ;;
    -i | --client-id) value='ANY' ;;
    -u | --username) value='ANY' ;;
    --timeout) value='ANY' ;;
    -f | --file) value='FILE' ;;
    --repeat) value='ANY' ;;
    --interval) value='ANY' ;;
    --rate) value='ANY' ;;
    --retained) value='only skip' ;;
    -C | --count) value='ANY' ;;
    --for) value='ANY' ;;
    --content-type) value='ANY' ;;
    --response-topic) value='ANY' ;;
    --correlation-data) value='ANY' ;;
    --message-expiry) value='ANY' ;;
    --payload-format) value='text bytes' ;;
    --user-property) value='ANY' ;;
    --retain-handling) value='0 1 2' ;;
    --subscription-id) value='ANY' ;;
    --give-up) value='ANY' ;;
    --color) value='auto always never' ;;
    --colour) value='auto always never' ;;
    # end
    *) value= ;;
    esac
}

# Without `compopt` (bash before 4) a folder is taken for a file, and nothing else changes.
_mqtt_test_option() {
    compopt -o "$1" 2>/dev/null || true
}

_mqtt_test_files() {
    local file
    while IFS= read -r file; do
        COMPREPLY+=("$file")
    done < <(compgen -f -- "$1")
    _mqtt_test_option filenames
    # What begins with a quote or a tilde bash can do better itself.
    ((${#COMPREPLY[@]})) || _mqtt_test_option default
}

# Completes $1 to what `_mqtt_test_value` says.
_mqtt_test_complete_value() {
    case $2 in
    ANY) ;;
    FILE) _mqtt_test_files "$1" ;;
    SETTING)
        case $1 in
        *_file=*) _mqtt_test_files "${1#*=}" ;;
        *=*) ;;
        *)
            _mqtt_test_words settings
            COMPREPLY=($(compgen -W "$words" -- "$1"))
            _mqtt_test_option nospace
            ;;
        esac
        ;;
    *) COMPREPLY=($(compgen -W "$2" -- "$1")) ;;
    esac
}

_mqtt_test() {
    local IFS=$' \t\n' line=$COMP_LINE command=check free=0 flag='' count=0
    local word words value current part i letter
    local -a typed
    COMPREPLY=()
    # Bash parts words at `=` and `:` as well; here they are what the program will see.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $i == 0 || $line == [[:space:]]* || -z $line ]]; then
            typed[count++]=$word
        else
            typed[count - 1]+=$word
        fi
        line=${line#"${line%%[![:space:]]*}"}
        line=${line#"$word"}
    done
    current=${typed[count - 1]}

    for ((i = 1; i < count - 1; i++)); do
        word=${typed[i]}
        if [[ -n $flag ]]; then
            # It is the value of the flag before it.
            flag=
            continue
        fi
        case $word in
        --*)
            _mqtt_test_value "$word"
            [[ -z $value ]] || flag=$word
            ;;
        -?*)
            # `-v`, `-vC 5`, `-C5`.
            for ((letter = 1; letter < ${#word}; letter++)); do
                _mqtt_test_value "-${word:letter:1}"
                [[ -n $value ]] || continue
                ((letter < ${#word} - 1)) || flag=-${word:letter:1}
                break
            done
            ;;
        *)
            _mqtt_test_words commands
            [[ $free != 0 || " $words " != *" $word "* ]] || command=$word
            free=$((free + 1))
            ;;
        esac
    done

    if [[ -n $flag ]]; then
        _mqtt_test_value "$flag"
        _mqtt_test_complete_value "$current" "$value"
    elif [[ $current == --*=* ]]; then
        _mqtt_test_value "${current%%=*}"
        _mqtt_test_complete_value "${current#*=}" "${value:-ANY}"
    elif [[ $current == -* ]]; then
        _mqtt_test_words "flags of $command"
        COMPREPLY=($(compgen -W "$words" -- "$current"))
    elif ((free == 0)); then
        _mqtt_test_words commands
        COMPREPLY=($(compgen -W "$words" -- "$current"))
        _mqtt_test_files "$current"
    elif ((free == 1)); then
        case $command in
        check) ;;
        pub | sub | request) _mqtt_test_files "$current" ;;
        *)
            _mqtt_test_words "after $command"
            COMPREPLY=($(compgen -W "$words" -- "$current"))
            ;;
        esac
    fi

    # Only what stands behind the last `=` or `:` is replaced.
    part=${COMP_WORDS[COMP_CWORD]}
    [[ $part != [=:]* ]] || part=
    part=${current%"$part"}
    for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
        COMPREPLY[i]=${COMPREPLY[i]#"$part"}
    done
}

complete -F _mqtt_test mqtt-test
