//! What one operating system does otherwise than another, behind the same functions on each: the clock,
//! files, standard input, sockets, signals, limits, and where it keeps what. It knows nothing of MQTT,
//! and gives no advice.
//!
//! May import nothing of this crate.

#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// And all that is like it.
    Linux,
    MacOs,
    Windows,
}

/// The one that the program runs on.
pub(crate) const SYSTEM: System = if cfg!(windows) {
    System::Windows
} else if cfg!(target_vendor = "apple") {
    System::MacOs
} else {
    System::Linux
};

pub(crate) use system::{
    ALL_DESCRIPTORS, Connecting, DESCRIPTORS, HAS_SYSTEM_FILES, HOME, MEMORY, RANDOM_FILE,
    ROOT_STORE, Stdin, descriptors, name_is_unknown, now, on_end, open, others_may_read, quick_ack,
    random_numbers, takes_escapes, wait_for_file, wait_for_socket,
};
