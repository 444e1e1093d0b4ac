use super::Meter;

#[test]
fn what_several_threads_charge_and_others_drop_adds_up() {
    let meter = Meter::default();
    let other = Meter::default();
    let kept = other.charge(5);
    let charges: Vec<_> = std::thread::scope(|scope| {
        let charge = || -> Vec<_> { (1..=100).map(|bytes| meter.charge(bytes)).collect() };
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(charge)).collect();
        let charged = threads.into_iter().map(|thread| thread.join().unwrap());
        charged.flatten().collect()
    });
    assert_eq!(meter.bytes(), 20 * 5_050);
    assert_eq!(other.bytes(), 5);
    drop(charges);
    assert_eq!(meter.bytes(), 0);
    drop(kept);
}

#[test]
fn counters_with_a_charge_are_not_given_to_another_meter() {
    let meter = Meter::default();
    let charge = meter.charge(7);
    drop(meter);
    let others: Vec<_> = (0..64).map(|_| Meter::default()).collect();
    let before: Vec<_> = others.iter().map(Meter::bytes).collect();
    drop(charge);
    assert!(others.iter().map(Meter::bytes).eq(before));
    assert!(others.iter().all(|meter| meter.bytes() == 0));
}
