//! The suite that every store passes: what the contract of
//! [`rag_core::port::Store`] and those that come with it say, as checks that can
//! fail.
//!
//! A check is given a fresh, empty store and panics when the store breaks the
//! contract. How a store is made, and how it behaves when its file or server
//! is broken, is left to that store's own tests.

pub mod fixture;

mod collections;
mod concurrency;
mod documents;
mod entries;
mod items;
mod jobs;
mod leases;
mod listing;
mod nearest;
mod passages;
mod retention;
mod sizes;
mod spaces;
mod words;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use rag_core::port::Store;

/// A check at work.
type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One check of the suite.
#[derive(Clone, Copy)]
pub struct Check {
    /// What it is called, such as `documents::are_kept_whole`.
    pub name: &'static str,
    run: fn(Arc<dyn Store>) -> Running,
}

impl Check {
    /// Runs it on a store that is empty and that nobody else uses. Panics when
    /// the store breaks the contract.
    pub async fn run(&self, store: Arc<dyn Store>) {
        (self.run)(store).await;
    }
}

macro_rules! checks {
    ($($module:ident :: $check:ident,)*) => {
        vec![$(Check {
            name: concat!(stringify!($module), "::", stringify!($check)),
            run: |store| Box::pin($module::$check(store)),
        },)*]
    };
}

/// The whole suite.
pub fn checks() -> Vec<Check> {
    checks![
        collections::that_are_not_there_are_named,
        collections::are_kept_whole,
        collections::are_listed_newest_first,
        collections::are_described_anew,
        collections::count_their_documents,
        collections::go_with_everything_in_them,
        documents::are_kept_whole,
        documents::put_twice_stay_one,
        documents::are_swapped_whole,
        documents::are_put_as_expected,
        documents::keep_their_ids_to_themselves,
        documents::of_another_space_are_refused,
        documents::may_have_no_chunks,
        documents::go_with_everything_of_theirs,
        documents::give_ranges_of_chunks,
        listing::is_ordered_and_has_no_gaps,
        listing::is_narrowed_to_collections,
        listing::is_narrowed_by_metadata,
        nearest::is_exact_for_few,
        nearest::keeps_to_the_filter,
        nearest::keeps_to_its_space,
        nearest::has_no_odd_numbers,
        passages::come_in_the_order_asked,
        passages::similarities_come_in_the_order_asked,
        passages::vectors_are_found_by_hash,
        words::rank_by_rarity_frequency_and_length,
        words::match_in_every_script,
        words::match_whole_or_not_at_all,
        words::that_nearly_all_have_give_way,
        words::keep_to_the_filter,
        sizes::nothing_is_no_error,
        sizes::a_large_document_is_kept,
        sizes::limits_are_cut,
        spaces::what_is_staged_is_not_found,
        spaces::are_switched_when_all_is_staged,
        spaces::are_put_into_after_a_switch,
        spaces::lose_what_is_staged_of_changed_documents,
        spaces::are_dropped,
        spaces::refuse_what_does_not_fit,
        spaces::name_documents_by_id,
        concurrency::writers_do_not_lose_each_other,
        concurrency::one_of_many_wins,
        concurrency::readers_see_one_revision,
        concurrency::a_put_given_up_is_whole_or_absent,
        jobs::are_kept_whole,
        jobs::that_are_not_there_are_told,
        jobs::of_one_key_are_one,
        jobs::that_shall_stop_are_not_joined,
        jobs::are_listed_newest_first,
        jobs::go_with_their_collection,
        jobs::may_be_asked_for_by_many_at_once,
        retention::forgets_finished_jobs_that_are_old,
        retention::keeps_what_tells_how_current_a_source_is,
        leases::are_held_by_one_worker,
        leases::are_cancelled,
        leases::are_reopened,
        leases::keep_errors_and_notes,
        leases::go_to_one_of_many,
        items::are_kept_whole_and_in_order,
        items::are_replaced_but_never_undone,
        items::that_failed_are_tried_again,
        items::are_written_by_its_worker_alone,
        items::may_be_very_many,
        items::are_written_by_many_at_once,
        entries::are_kept_whole,
        entries::added_twice_stay_as_they_are,
        entries::are_replaced_where_they_are,
        entries::are_removed,
        entries::of_another_kind_are_others,
        entries::are_listed_by_the_bytes_of_their_keys,
        entries::are_listed_up_to_a_limit,
        entries::are_gone_when_they_expire,
        entries::outlive_collections,
        entries::are_added_by_one_of_many,
        entries::are_replaced_and_removed_by_many_at_once,
    ]
}
