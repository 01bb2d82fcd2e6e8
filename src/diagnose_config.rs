//! words
use crate::problem::ConfigFault;
use crate::words::Words;
pub fn words(_fault: &ConfigFault) -> Words {
    Words {
        code: "config-invalid",
        error: String::new(),
        notes: vec![],
        help: vec![],
    }
}
