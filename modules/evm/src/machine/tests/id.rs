use crate::machine::EvmMachine;
use rollwright_core::{StateMachine, VmId};

#[test]
fn the_vm_id_is_that_of_the_name_and_version() {
    assert_eq!(EvmMachine::VM_ID, VmId::new("rollwright-evm", 1));
}
