use super::*;

fn sampled() -> Sampled {
    Sampled {
        hash: B256::repeat_byte(1),
        samples: 16,
        at_ms: 5,
        given_up: false,
    }
}

#[test]
fn gaps_are_found_and_progress_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/light.redb");
    let identity = Identity::new("private", &SampleSecret::new([4; 32]), 10);
    {
        let store = LightStore::open(Some(&path)).unwrap();
        assert_eq!(store.identity().unwrap(), None);
        store.set_identity(&identity).unwrap();
        assert_eq!(store.first_open(10).unwrap(), 10);
        for height in [10, 11, 13] {
            store.set(height, &sampled()).unwrap();
        }
    }
    let store = LightStore::open(Some(&path)).unwrap();
    assert_eq!(store.identity().unwrap(), Some(identity));
    assert_eq!(store.first_open(10).unwrap(), 12);
    assert_eq!(store.get(11).unwrap(), Some(sampled()));
    assert_eq!(store.get(12).unwrap(), None);
    store.set(12, &sampled()).unwrap();
    assert_eq!(store.first_open(10).unwrap(), 14);
}

#[test]
fn a_file_has_one_user() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("light.redb");
    let _first = LightStore::open(Some(&path)).unwrap();
    let error = LightStore::open(Some(&path)).unwrap_err();
    assert!(matches!(error, CelestiaError::Storage { .. }));
}
