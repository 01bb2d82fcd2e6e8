//! The seven stages of a check, and the extra connections that tell look-alike failures apart. It
//! prints nothing.
//!
//! May import `failure`, `config`, `net`, `tls`, `mqtt`, `x509` and `util`.

mod echo;
mod followup;
mod probe;
mod second;
pub(crate) mod stages;
pub(crate) mod step;
pub(crate) mod warnings;

pub(crate) use followup::{
    Compared, Observed, RIVALS_PAUSE, Waited, blames_us, compare_ids, is_close, wait_only,
};
pub(crate) use stages::Verdict;
