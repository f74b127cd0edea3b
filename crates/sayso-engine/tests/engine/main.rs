//! What an engine promises: one behaviour, proved on SQLite and on a real PostgreSQL.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod audit;
mod authority;
mod callers;
mod clock;
mod failures;
mod faulty;
mod halts;
mod joins;
mod keys;
mod ledger;
mod load;
mod permit_keys;
mod permits;
mod place;
mod providers;
mod questions;
mod servers;
mod silence;
mod stale;
mod stream;
mod tiers;
mod veto;
mod waiting;
mod world;

use place::Place;
use world::{World, ends};

/// Each of these sentences holds for both stores, and leaves a ledger that is in order.
macro_rules! behaviour {
    ($($module:ident: $($sentence:ident)*;)*) => {
        mod on_sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $sentence() {
                    let mut world = super::World::new(super::Place::sqlite()).await;
                    super::ends(super::$module::$sentence(&mut world)).await;
                    world.audit().await;
                }
            )*)*
        }

        mod on_postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $sentence() {
                    let mut world = super::World::new(super::Place::postgres().await).await;
                    super::ends(super::$module::$sentence(&mut world)).await;
                    world.audit().await;
                }
            )*)*
        }
    };
}

/// Each of these sentences is about several servers on one database.
macro_rules! several_servers {
    ($($module:ident: $($sentence:ident)*;)*) => {
        mod on_several_servers {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $sentence() {
                    let world = super::World::new(super::Place::postgres().await).await;
                    let other = world.another().await;
                    super::ends(super::$module::$sentence(&world, &other)).await;
                    world.audit().await;
                    super::audit::all(&other).await;
                }
            )*)*
        }
    };
}

behaviour! {
    tiers:
        an_fyi_is_noted_at_once
        a_soft_one_is_granted_after_its_heard_window_and_not_a_microsecond_before
        time_never_grants_a_hard_one
        the_model_raises_its_tier_and_window
        the_model_never_lowers_its_tier_or_window
        what_no_rule_names_is_hard
        people_grant_a_soft_one_before_its_window_has_passed
        a_quorum_takes_that_many_people;
    silence:
        without_a_listener_there_is_no_deadline_and_no_grant
        a_wall_clock_that_steps_forward_earns_nothing
        a_wall_clock_that_steps_back_grants_nothing_early_and_loses_nothing
        silence_stands_still_while_nobody_listens_and_goes_on_when_somebody_does
        two_listeners_hear_no_more_than_one
        a_restart_keeps_what_was_heard_and_credits_no_downtime
        a_restart_with_a_wall_clock_set_back_goes_on_with_what_was_told
        a_downtime_is_not_held_against_people
        while_the_way_to_veto_is_broken_silence_means_nothing
        what_nobody_hears_becomes_hard
        somebody_who_leaves_leaves_time_until_it_becomes_hard
        a_take_pauses_the_silence_until_it_lapses
        a_hold_makes_it_hard_for_good
        above_the_silent_limit_soft_becomes_hard
        windows_that_end_at_once_get_no_more_silent_grants_than_the_limit
        limits_over_different_stretches_are_counted_apart
        it_is_delivered_once
        what_was_edited_has_to_be_heard_anew;
    veto:
        a_veto_before_the_deadline_ends_it
        a_veto_at_the_deadline_wins
        a_veto_after_the_grant_kills_the_permit
        a_veto_after_the_redeem_is_refused
        a_veto_needs_to_have_seen_nothing
        of_veto_deadline_and_redeem_raced_one_history_holds;
    providers:
        a_providers_word_makes_a_person_and_brings_them_up_to_date
        whoever_has_no_role_any_more_is_out_at_once
        nobody_without_a_role_is_made_a_person
        nobody_becomes_somebody_by_bearing_their_name
        whoever_is_linked_keeps_the_roles_that_they_were_given_here;
    permits:
        of_fifty_redeems_one_succeeds
        what_was_edited_is_what_is_redeemed
        only_the_named_executor_redeems_and_reports
        an_executor_must_exist
        an_expired_permit_is_refused
        another_servers_permit_is_refused
        a_permit_that_says_anything_else_than_was_granted_is_refused_though_it_is_signed
        a_policy_that_became_stricter_refuses_the_permit
        a_bad_policy_file_keeps_the_last_good_one_and_says_why
        a_receipt_that_does_not_come_is_unknown_and_may_still_become_known
        a_receipt_is_given_once
        a_restart_keeps_permits_good_and_used_ones_used;
    permit_keys:
        a_new_key_signs_and_the_one_before_it_verifies_for_a_day
        a_new_key_is_in_the_ledger_before_it_signs
        heads_and_permits_are_signed_with_different_keys
        an_executor_with_a_key_redeems_by_it_alone;
    stale:
        what_is_stale_is_asked_anew_under_what_holds_now
        of_twenty_who_say_it_is_stale_one_asks_anew
        the_receipt_and_what_asks_anew_are_kept_together_or_not_at_all
        what_is_asked_anew_asks_for_no_less_than_before
        what_is_stale_asks_for_no_tool_that_its_agent_may_not_ask_for_any_more
        only_who_redeemed_it_says_that_it_is_stale;
    keys:
        the_same_key_and_body_give_the_same_escalation
        the_same_key_with_another_body_is_refused
        of_twenty_at_once_with_one_key_one_is_made
        of_twenty_in_one_batch_with_one_key_one_is_made
        a_refused_proposal_uses_up_no_key
        another_agents_key_is_another_key;
    joins:
        the_same_call_joins_what_is_open_also_after_a_restart
        another_call_another_agent_and_a_plain_call_begin_anew
        an_unused_grant_is_joined_and_a_used_one_is_not
        an_expired_grant_is_not_joined
        a_refusal_answers_the_same_call_for_ten_minutes
        what_was_edited_is_joined_by_what_was_asked
        a_raised_tier_is_not_lost_in_a_lower_one
        what_was_asked_of_one_server_does_not_serve_for_another_that_asks_for_more
        notes_are_told_each_time
        of_twenty_same_calls_at_once_one_is_made;
    failures:
        a_commit_that_fails_changes_nothing
        a_connection_that_drops_before_the_commit_is_mended
        what_was_kept_but_not_acknowledged_is_seen_by_all
        a_deadline_that_was_kept_but_not_acknowledged_is_met
        a_halt_that_was_kept_but_not_acknowledged_is_carried_out
        a_retry_after_a_lost_answer_finds_what_was_kept
        a_full_disk_is_told_as_such
        a_deadline_meets_a_store_that_fails_for_a_while
        one_bad_unit_fails_nobody_elses;
    waiting:
        a_waiters_timeout_is_not_the_escalations_expiry
        a_waiter_for_what_is_settled_does_not_wait
        a_waiter_for_nothing_is_told_so
        waiters_are_woken_by_a_decision
        waiters_are_woken_by_time
        waiters_are_woken_by_a_withdrawal;
    stream:
        a_stream_tells_everything_from_any_index_without_gaps_or_repeats
        a_stream_from_now_on_tells_only_what_is_new
        a_stream_that_lags_by_thousands_misses_nothing
        a_stream_tells_what_a_halt_does;
    halts:
        what_is_proposed_under_a_halt_is_halted
        a_halt_freezes_what_is_open_with_the_time_it_had_left
        a_halt_kills_unused_permits_for_good
        no_permit_outlives_a_halt_that_is_lifted_at_once
        under_a_halt_nothing_is_approved_and_anything_refused
        the_same_is_covered_by_two_halts_until_both_are_lifted
        a_halts_sweep_goes_on_after_a_restart_in_its_middle
        a_halt_is_lifted_once_and_by_reviewers_only;
    questions:
        a_question_is_answered_by_a_person
        an_answer_must_be_one_that_was_asked_for
        heard_silence_answers_with_the_default
        unheard_silence_answers_nothing
        a_soft_question_needs_a_default
        questions_are_answered_and_actions_approved;
    callers:
        an_agents_key_is_an_agent_and_a_persons_token_a_person
        a_session_is_no_bearer_and_a_login_link_neither
        a_login_link_works_once_however_many_try
        a_login_link_and_a_session_end
        a_session_ends_when_it_is_logged_out
        a_new_key_takes_the_old_ones_place
        only_reviewers_decide
        only_its_agent_withdraws_it;
    authority:
        every_change_is_one_entry_that_says_who_made_it
        who_is_no_owner_changes_nothing
        a_token_gives_no_more_than_it_has
        a_token_ends_when_it_says_or_is_revoked
        an_agents_old_key_works_on_for_the_overlap
        an_agent_proposes_its_own_tools_only
        of_many_who_accept_an_invitation_one_joins
        an_invitation_takes_no_name_that_is_taken_and_ends
        of_two_owners_who_remove_each_other_one_stays
        changes_made_at_once_are_all_made
        an_entry_that_nobody_could_have_written_gives_nobody_anything
        who_was_removed_decides_nothing_and_comes_back_as_another
        nothing_is_granted_on_the_approval_of_who_was_removed
        an_approval_lapses_with_the_group_whose_place_it_fills
        an_approval_is_not_that_of_another_who_bears_the_name
        a_request_that_came_before_somebody_was_removed_does_nothing_after
        a_change_of_roles_holds_from_the_next_request_on
        what_somebody_is_known_by_is_in_the_directory_alone;
    ledger:
        every_head_is_consistent_with_every_later_one_also_after_restarts
        a_proof_shows_each_entry_under_the_newest_head;
    load:
        whatever_is_asked_in_whatever_order_the_ledger_is_the_state;
}

several_servers! {
    authority:
        a_change_on_one_holds_on_the_other_within_a_second;
    ledger:
        two_servers_sign_one_history
        a_log_that_has_ended_does_not_come_back_by_a_server_that_did_not_notice;
    servers:
    a_decision_on_one_wakes_a_waiter_on_the_other
    time_that_acts_on_one_wakes_a_waiter_on_the_other
    a_stream_on_one_tells_what_both_do_without_gaps_or_repeats
    windows_end_once
    of_fifty_redeems_on_both_one_succeeds
    of_twenty_on_both_with_one_key_one_is_made
    of_twenty_same_calls_on_both_one_is_made
    listeners_on_both_count_once
    a_listener_elsewhere_earns_nothing_before_the_delivery
    a_listener_on_one_lets_a_window_pass_that_the_other_began
    the_silent_limit_holds_across_both
    a_halt_on_one_stops_the_other
    a_halt_whose_server_died_is_carried_out_by_the_other
    a_halt_called_during_a_sweep_elsewhere_is_carried_out
    of_veto_deadline_and_redeem_raced_across_both_one_history_holds;
}
