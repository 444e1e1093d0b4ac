use super::*;
use alloy_primitives::B256;

#[test]
fn a_unit_is_due_after_its_wait_and_where_the_clock_was_set_back() {
    let unit = UnitId(B256::repeat_byte(1));
    let mut pace = Pace::default();
    assert!(pace.is_due(&unit, 0));
    pace.answered(unit, 5_000, 100, None);
    assert!(!pace.is_due(&unit, 5_000));
    assert!(!pace.is_due(&unit, 5_099));
    assert!(pace.is_due(&unit, 5_100));
    assert!(pace.is_due(&unit, 4_999));
}
