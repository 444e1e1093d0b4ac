use super::*;
use crate::VmId;

#[test]
fn vm_id_is_name_and_version() {
    assert_eq!(MemoryMachine::VM_ID, VmId::new("rollwright/memory", 1));
}
