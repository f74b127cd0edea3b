//! A history is replayed through the very law that wrote it; a forged one is told by what the law
//! would have said.

use jiff::Timestamp;
use sayso_core::Event;
use sayso_core::escalation::{Facts, Illegal, Replay};

use crate::laws;
use crate::world::{BEGINNINGS, Listener, Step, WINDOW, Who, World, minutes};

/// Replays a story without halts.
fn replay(world: &World, history: &[(Timestamp, Event)]) -> Result<(), Illegal> {
    let facts = |at| Facts { at, halts: &[], silent_grants: 0, answer: None };
    let events: Vec<&Event> = history.iter().map(|(_, event)| event).collect();
    let first = facts(history[0].0);
    let (mut replay, mut taken) = Replay::begin(world.escalation.id(), &events, &first)?;
    while taken < events.len() {
        taken += replay.step(&events[taken..], &facts(history[taken].0))?;
    }
    assert_eq!(*replay.escalation(), world.escalation);
    Ok(())
}

fn told(world: &mut World, steps: &[Step]) {
    for step in steps {
        let _ = world.step(*step, &mut laws::hold);
    }
}

const HEARD: [Step; 3] = [Step::Deliver, Step::Pass(WINDOW, Listener::There), Step::Tick(0)];

#[test]
fn what_the_law_wrote_replays() {
    let stories: [&[Step]; 4] = [
        &HEARD,
        &[Step::Approve(Who::Ana), Step::Approve(Who::Bo), Step::Approve(Who::Cy)],
        &[Step::Deliver, Step::Take(Who::Ana), Step::Deny(Who::Bo)],
        &[Step::Pass(minutes(20_000), Listener::Gone), Step::Tick(0), Step::Tick(0)],
    ];
    for beginning in BEGINNINGS {
        for story in stories {
            let mut world = World::new(beginning);
            told(&mut world, story);
            assert_eq!(replay(&world, &world.history), Ok(()), "{story:?}");
        }
    }
}

#[test]
fn a_silent_grant_before_its_time_is_told() {
    let mut found = 0;
    for beginning in BEGINNINGS {
        let mut world = World::new(beginning);
        told(&mut world, &HEARD);
        let granted = |(_, event): &(Timestamp, Event)| matches!(event, Event::Granted { .. });
        let Some(at) = world.history.iter().position(granted) else { continue };
        let mut forged = world.history.clone();
        forged[at].0 = forged[at - 1].0;
        assert!(matches!(replay(&world, &forged), Err(Illegal::TooMuchHeard { .. })));
        found += 1;
    }
    assert!(found > 0);
}

#[test]
fn an_event_left_out_is_told() {
    let mut found = 0;
    for beginning in BEGINNINGS {
        let mut world = World::new(beginning);
        told(
            &mut world,
            &[Step::Approve(Who::Ana), Step::Approve(Who::Bo), Step::Approve(Who::Cy)],
        );
        let approved = |(_, event): &(Timestamp, Event)| matches!(event, Event::Approved { .. });
        let granted = |(_, event): &(Timestamp, Event)| matches!(event, Event::Granted { .. });
        if !world.history.iter().any(granted) {
            continue;
        }
        let mut forged = world.history.clone();
        forged.retain(|past| !approved(past));
        assert!(replay(&world, &forged).is_err());
        found += 1;
    }
    assert!(found > 0);
}
