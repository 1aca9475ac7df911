//! Given a queue, when a peer reads or does not, then.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use telemetry::Metrics;

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn outbox() -> Outbox {
    Outbox::new(1, Arc::new(LiveMetrics::new(&Metrics::new())))
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Everything that can be taken now.
fn taken(outbox: &Outbox) -> Vec<Bytes> {
    let mut frames = VecDeque::new();
    while outbox.poll_take(&cx(), &mut frames, 1_000) == Poll::Ready(true) {}
    frames.into()
}

fn is_over(outbox: &Outbox) -> bool {
    outbox.poll_take(&cx(), &mut VecDeque::new(), 1) == Poll::Ready(false)
}

fn seconds(outbox: &Outbox, count: u16) {
    for _ in 0..count {
        outbox.tick();
    }
}

fn code(close: &Bytes) -> u16 {
    assert_eq!(close[0], 0x88);
    u16::from_be_bytes([close[2], close[3]])
}

#[test]
fn a_waiting_connection_is_woken_once_for_many_frames() {
    let (outbox, woken) = (outbox(), Arc::new(Woken::default()));
    let waker = Waker::from(Arc::clone(&woken));
    let cx = Context::from_waker(&waker);
    assert!(outbox.poll_take(&cx, &mut VecDeque::new(), 1).is_pending());
    for _ in 0..10 {
        assert!(outbox.push(Bytes::from_static(b"x")));
    }
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert_eq!(taken(&outbox).len(), 10);
}

#[test]
fn too_many_frames_close_the_socket_and_free_what_waited() {
    let outbox = outbox();
    for _ in 0..MAX_FRAMES {
        assert!(outbox.push(Bytes::from_static(b"x")));
    }
    assert!(!outbox.push(Bytes::from_static(b"x")));
    let frames = taken(&outbox);
    assert_eq!(frames.len(), 2);
    assert_eq!(code(&frames[1]), 4508);
    assert!(!outbox.push(Bytes::from_static(b"x")));
}

#[test]
fn too_many_bytes_close_the_socket_too() {
    let outbox = outbox();
    let large = Bytes::from(vec![0; MAX_BYTES / 4]);
    assert_eq!((0..10).filter(|_| outbox.push(large.clone())).count(), 4);
    assert_eq!(code(&taken(&outbox)[1]), 4508);
}

#[test]
fn a_peer_that_reads_nothing_is_given_up() {
    let outbox = outbox();
    outbox.greeted();
    outbox.push(Bytes::from_static(b"x"));
    seconds(&outbox, STALLED);
    assert!(!outbox.is_open());
    seconds(&outbox, FAREWELL);
    assert!(is_over(&outbox));
}

/// What was written may still lie in the kernel: closing before it was read would drop it, the reason included.
#[test]
fn a_peer_that_reads_slowly_has_a_minute_to_answer_its_close_and_others_a_moment() {
    for (ends, patience) in
        [(CloseCode::SlowConsumer, FAREWELL), (CloseCode::HelloTimeout, GOODBYE)]
    {
        let outbox = outbox();
        outbox.greeted();
        outbox.close_now(ends);
        assert_eq!(taken(&outbox).len(), 2);
        seconds(&outbox, patience - 1);
        assert!(!is_over(&outbox), "{ends:?}");
        outbox.tick();
        assert!(is_over(&outbox), "{ends:?}");
    }
}

#[test]
fn a_ping_after_a_long_silence_does_not_count_as_waiting_all_that_time() {
    let outbox = outbox();
    outbox.greeted();
    while outbox.state.lock().frames.is_empty() {
        outbox.tick();
    }
    seconds(&outbox, STALLED - 1);
    assert!(outbox.is_open());
}

#[test]
fn a_stranger_has_ten_seconds() {
    let outbox = outbox();
    seconds(&outbox, HELLO);
    assert!(outbox.is_open());
    outbox.tick();
    assert_eq!(code(&taken(&outbox)[1]), 4408);
}

#[test]
fn the_server_closes_and_waits_for_the_peers_answer() {
    let outbox = outbox();
    outbox.push(Bytes::from_static(b"last words"));
    outbox.close(1001, "shutdown", Some(7));
    let frames = taken(&outbox);
    assert_eq!((frames.len(), code(&frames[2])), (3, 1001));
    assert!(!is_over(&outbox));
    outbox.peer_closed(1001);
    assert!(is_over(&outbox));
}

#[test]
fn the_peer_closes_and_gets_its_code_back_before_the_end() {
    let outbox = outbox();
    outbox.push(Bytes::from_static(b"unread"));
    outbox.peer_closed(1000);
    let frames = taken(&outbox);
    assert_eq!((frames.len(), code(&frames[0])), (1, 1000));
    assert!(is_over(&outbox));
}

#[test]
fn pings_go_unanswered_only_so_often() {
    let outbox = outbox();
    outbox.greeted();
    let mut pings = 0;
    for _ in 0..u32::from(HEARTBEAT) * 4 {
        outbox.tick();
        pings += taken(&outbox).iter().filter(|frame| frame[0] == 0x89).count();
    }
    assert_eq!(pings, usize::from(MAX_UNANSWERED));
    assert!(!outbox.is_open());
}

#[tokio::test]
async fn a_resume_waits_until_its_piece_is_read_and_not_for_ever() {
    let outbox = Arc::new(outbox());
    outbox.push(Bytes::from(vec![0; DRAINED]));
    assert!(outbox.drained().await);
    outbox.push(Bytes::from_static(b"x"));
    let waiting = tokio::spawn({
        let outbox = Arc::clone(&outbox);
        async move { outbox.drained().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(taken(&outbox));
    assert!(waiting.await.unwrap());
    outbox.close_now(CloseCode::SessionEnded);
    assert!(!outbox.drained().await);
}
