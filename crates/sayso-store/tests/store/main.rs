//! What a store must do: one behaviour, proved on SQLite and on a real PostgreSQL.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod authority;
mod case;
mod due;
mod history;
mod listing;
mod only_postgres;
mod only_sqlite;
mod place;
mod tree;
mod unit;
mod work;

use place::Place;

/// Each of these sentences holds for both stores.
macro_rules! behaviour {
    ($($module:ident: $($sentence:ident)*;)*) => {
        mod on_sqlite {
            $($(
                #[tokio::test]
                async fn $sentence() {
                    let place = super::Place::sqlite();
                    super::$module::$sentence(&*place.open().await).await;
                }
            )*)*
        }

        mod on_postgres {
            $($(
                #[tokio::test]
                async fn $sentence() {
                    let place = super::Place::postgres().await;
                    super::$module::$sentence(&*place.open().await).await;
                }
            )*)*
        }
    };
}

behaviour! {
    unit:
        a_committed_unit_is_there_whole
        a_unit_that_is_rolled_back_leaves_nothing
        a_unit_that_is_dropped_leaves_nothing
        a_writer_works_on_after_a_unit_that_failed
        a_unit_that_was_forgotten_ends_when_the_next_begins
        an_escalation_that_has_moved_on_is_a_conflict_and_nothing_is_changed
        what_has_moved_on_can_not_even_be_put_off
        an_id_that_is_taken_is_a_conflict_and_nothing_is_changed
        an_idempotency_key_that_is_taken_is_a_conflict_and_nothing_is_changed
        a_commit_tells_the_index_of_its_first_entry
        a_unit_without_entries_tells_the_next_index
        only_the_escalations_that_exist_are_loaded
        listening_clocks_are_kept
        an_idempotency_key_is_one_agents_and_holds_any_character
        a_call_finds_what_it_began_last;
    history:
        a_history_comes_back_as_it_happened_with_its_texts
        a_history_is_never_torn_from_its_state
        an_unknown_escalation_is_none
        several_come_each_with_its_own_history
        the_ledger_pages_without_gaps
        what_happens_to_the_workspace_is_in_the_ledger
        an_entry_commits_to_its_text;
    listing:
        the_newest_come_first_page_by_page
        a_list_can_be_narrowed_on_every_axis
        open_escalations_are_counted_by_tier;
    due:
        what_is_due_comes_by_wall_time_earliest_first
        what_is_due_comes_by_its_own_routes_listening_clock
        what_is_due_on_both_clocks_comes_once
        no_more_comes_than_asked_for
        what_is_due_next_is_told_for_each_clock
        silent_grants_are_counted_since_a_time_by_agent_and_rule
        what_a_halt_can_stop_is_what_is_open_or_granted_and_unused
        what_a_halt_can_stop_comes_page_by_page;
    work:
        the_same_work_waits_once
        work_is_found_by_kind_and_route
        work_that_is_done_is_gone
        a_halt_is_in_force_until_it_is_lifted;
    authority:
        what_happens_to_the_workspace_comes_without_the_escalations
        changes_that_were_checked_against_less_are_a_conflict
        of_many_changes_checked_against_the_same_one_is_kept
        notes_are_kept_and_forgotten_with_what_they_are_about
        an_agent_is_called_where_it_was_last_said
        the_first_signing_key_is_kept_for_each_purpose
        a_store_that_is_there_answers;
    tree:
        each_entry_has_the_leaf_of_the_entry_that_its_row_says
        an_entry_larger_than_a_ledger_takes_is_refused_and_nothing_is_changed
        a_head_is_kept_with_the_tiles_that_grew
        of_two_heads_after_the_same_one_the_first_is_kept;
}

#[tokio::test]
async fn everything_is_still_there_when_sqlite_is_opened_again() {
    unit::everything_is_still_there_when_opened_again(&Place::sqlite()).await;
}

#[tokio::test]
async fn everything_is_still_there_when_postgres_is_opened_again() {
    unit::everything_is_still_there_when_opened_again(&Place::postgres().await).await;
}
