//! Streams tell the ledger, from any point on, without gaps or repeats.

use sayso_core::EscalationId;
use sayso_core::halt::Scope;
use sayso_engine::{Engine, Stream};
use sayso_store::Happened;

use crate::audit::ledger;
use crate::world::{Server, World, call, within};

/// What a stream tells of one entry.
pub(crate) type Told = (u64, &'static str, EscalationId);

/// All that a stream from `after` on has to tell.
pub(crate) async fn expected(server: &Server, after: u64) -> Vec<Told> {
    let entries = ledger(server).await.into_iter().filter(|entry| entry.seq > after);
    let told = entries.filter_map(|entry| match entry.happened {
        Happened::Escalation { id, event, .. } => Some((entry.seq, event.word(), id)),
        Happened::Workspace(_) => None,
    });
    told.collect()
}

/// So much of what a stream tells.
pub(crate) async fn read(stream: &mut Stream, count: usize) -> Vec<Told> {
    let mut told = Vec::with_capacity(count);
    for _ in 0..count {
        let update = within("the stream goes on", stream.next()).await.unwrap();
        told.push((update.seq, update.word, update.record.escalation.id()));
    }
    told
}

/// Tells exactly what the ledger holds after `after`.
async fn tells_all(server: &Server, mut stream: Stream, after: u64) {
    let expected = expected(server, after).await;
    assert_eq!(read(&mut stream, expected.len()).await, expected);
}

/// Things happen, some of them at once.
async fn much_happens(world: &World) {
    for _ in 0..10 {
        let asks = (0..5).map(|_| {
            let (engine, bot) = (world.engine().clone(), world.bot.clone());
            tokio::spawn(async move { engine.propose(&bot, call("deploy")).await.unwrap() })
        });
        for ask in asks.collect::<Vec<_>>() {
            let id = ask.await.unwrap().escalation.id();
            world.approve(id).await;
        }
        let halt = world.engine().halt(&world.ana, Scope::Everything, "stop".into()).await;
        world.engine().lift(&world.ana, halt.unwrap().id).await.unwrap();
        world.look().await;
    }
}

pub(crate) async fn a_stream_tells_everything_from_any_index_without_gaps_or_repeats(
    world: &mut World,
) {
    let begun_before = world.engine().stream(Some(0)).await.unwrap();
    much_happens(world).await;
    let size = world.engine().ledger_size().await.unwrap();
    for after in [0, 1, 2, 17, size / 2, size - 1] {
        let stream = world.engine().stream(Some(after)).await.unwrap();
        tells_all(world.server(), stream, after).await;
    }
    tells_all(world.server(), begun_before, 0).await;
}

pub(crate) async fn a_stream_from_now_on_tells_only_what_is_new(world: &mut World) {
    world.ask("deploy").await;
    let after = world.engine().ledger_size().await.unwrap();
    let stream = world.engine().stream(None).await.unwrap();
    much_happens(world).await;
    tells_all(world.server(), stream, after).await;
}

async fn many_commits(engine: &Engine, world: &World, count: usize) {
    for _ in 0..count {
        engine.propose(&world.bot, call("note_it")).await.unwrap();
    }
}

pub(crate) async fn a_stream_that_lags_by_thousands_misses_nothing(world: &mut World) {
    let mut stream = world.engine().stream(None).await.unwrap();
    let after = world.engine().ledger_size().await.unwrap();
    many_commits(world.engine(), world, 3).await;
    let first = read(&mut stream, 2).await;
    assert_eq!(first, expected(world.server(), after).await[..2]);
    // More commits than the feed keeps for one who lags.
    many_commits(world.engine(), world, 1_100).await;
    tells_all(world.server(), stream, after + 2).await;
}

pub(crate) async fn a_stream_tells_what_a_halt_does(world: &mut World) {
    let id = world.ask("merge").await;
    let mut stream = world.engine().stream(None).await.unwrap();
    let halt = world.engine().halt(&world.ana, Scope::Everything, "stop".into()).await.unwrap();
    let update = within("it is frozen", stream.next()).await.unwrap();
    assert_eq!((update.word, update.record.escalation.id()), ("frozen", id));
    world.engine().lift(&world.ana, halt.id).await.unwrap();
    let update = within("it is thawed", stream.next()).await.unwrap();
    assert_eq!((update.word, update.record.escalation.id()), ("thawed", id));
}
