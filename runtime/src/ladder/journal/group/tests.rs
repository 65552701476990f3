use super::*;

/// With a writer that never answers.
fn stuck(limit: Duration) -> Group {
    Group { shared: Arc::default(), pid: process::id(), limit }
}

fn queue(group: &Group) -> Vec<(Kind, u64)> {
    let state = lock(&group.shared.state);
    state.queue.iter().map(|(change, _)| (change.kind, change.key)).collect()
}

#[test]
fn disk_that_does_not_answer_is_waited_for_until_the_limit() {
    let group = stuck(Duration::from_millis(20));
    let start = Instant::now();
    let e = group.change(Kind::Commit, 1, Arc::default()).unwrap_err();
    assert_eq!(e.kind(), io::ErrorKind::TimedOut);
    assert!(start.elapsed() >= group.limit);
    // Others wait no longer than it has had already, and a drop path not each time again.
    let group = stuck(Duration::from_secs(60));
    lock(&group.shared.state).busy = Instant::now().checked_sub(group.limit);
    let start = Instant::now();
    assert_eq!(group.change(Kind::Forget, 1, Arc::default()).unwrap_err().kind(), e.kind());
    assert!(start.elapsed() < group.limit);
}

#[test]
fn registration_that_came_too_late_is_withdrawn() {
    let group = stuck(Duration::from_millis(1));
    group.change(Kind::Intent, 7, Arc::default()).unwrap_err();
    assert_eq!(queue(&group), [(Kind::Intent, 7), (Kind::Forget, 7)]);
}

#[test]
fn batch_has_one_change_of_a_registration() {
    let group = stuck(Duration::from_millis(1));
    for (kind, key) in [(Kind::Intent, 1), (Kind::Intent, 2), (Kind::Forget, 1), (Kind::Intent, 3)]
    {
        group.submit(Change { kind, key, data: Arc::default() });
    }
    let (changes, slots) = lock(&group.shared.state).take();
    assert_eq!(changes.iter().map(|change| change.key).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(slots.len(), 2);
    assert_eq!(queue(&group), [(Kind::Forget, 1), (Kind::Intent, 3)]);
}
