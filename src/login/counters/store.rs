//! SQL that counts attempts. A key is a digest of what is counted; or, where that is an account, its id, so that all its names
//! count together.

use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::UserId,
    login::flow::Count,
    resources::attack_protection::model::Bucket,
    secret::Digest,
    tenant::InTenant,
    time::Timestamp,
};

/// Counts one more where there is a row already: `$now` is the parameter of the moment. A count that has ended begins anew, and
/// ends when the new row would; `$puts_off` says when one that has not does so as well.
macro_rules! once_more {
    ($now:literal, $puts_off:literal) => {
        concat!(
            " on conflict (tenant_id, key) do update set
               failures = case when a.expires_at <= ",
            $now,
            " then 1 else a.failures + 1 end,
               expires_at = case when a.expires_at <= ",
            $now,
            $puts_off,
            " then excluded.expires_at else a.expires_at end
             returning failures, expires_at"
        )
    };
}

/// Counts an attempt before it is looked at, so that attempts at the same time count as well. Answers `failures`, this one
/// included, and `expires_at`. While it is not more than `limit`, each attempt puts off the end of the count.
pub fn count_attempt(key: &Digest, limit: i64, ends_at: Timestamp, now: Timestamp) -> Statement<InTenant> {
    write(concat!(
        "insert into login_attempts as a (tenant_id, key, failures, expires_at) values (?1, ?2, 1, ?4)",
        once_more!("?5", " or a.failures < ?3")
    ))
    .bind(key)
    .bind(limit)
    .bind(ends_at)
    .bind(now)
}

/// Forgets the failed attempts: they were the person's own.
pub fn forget_attempts(key: &Digest) -> Statement<InTenant> {
    write("delete from login_attempts where tenant_id = ?1 and key = ?2").bind(key)
}

/// What attempts at an account are counted under.
pub struct Attempt<'a> {
    /// The connection it is looked up in.
    pub connection: &'a str,
    /// The address or the user name that was typed.
    pub identifier: &'a str,
    /// What stands for it where there is no such account.
    pub unknown: &'a Digest,
    /// What else the count is for: the network it comes from, or nothing.
    pub from: &'a str,
}

/// The account, whichever of its names was typed; or, where there is none, what was. `?2` to `?4` are the first three of
/// an [`Attempt`].
macro_rules! subject {
    () => {
        "coalesce(
           (select user_id from users where tenant_id = ?1 and connection = ?2 and email = ?3),
           (select user_id from users where tenant_id = ?1 and connection = ?2 and username = ?3), ?4)"
    };
}

impl Attempt<'_> {
    fn bind(&self, statement: Statement<InTenant>) -> Statement<InTenant> {
        statement.bind(self.connection).bind(self.identifier).bind(self.unknown)
    }
}

/// Counts an attempt at an account from somewhere, as [`count_attempt`] does.
pub fn count_from(
    attempt: &Attempt<'_>,
    limit: i64,
    ends_at: Timestamp,
    now: Timestamp,
) -> Statement<InTenant> {
    attempt
        .bind(write(concat!(
            "insert into login_attempts as a (tenant_id, key, failures, expires_at)
             select ?1, ",
            subject!(),
            " || ?5, 1, ?7 where true",
            once_more!("?8", " or a.failures < ?6")
        )))
        .bind(attempt.from)
        .bind(limit)
        .bind(ends_at)
        .bind(now)
}

/// Takes the place of whoever may try next at an account at which too many have failed: answers `failures` 1 to the one
/// who got it. Nobody needs it, and no row is answered, before there were `patience` of [`count_anywhere`], nor does anybody
/// get it whose own attempts ([`count_from`]) are beyond `limit`. It is free again after a minute, and after longer the more
/// there were.
pub fn take_place(attempt: &Attempt<'_>, limit: i64, patience: i64, now: Timestamp) -> Statement<InTenant> {
    attempt
        .bind(write(concat!(
            "insert into login_attempts as a (tenant_id, key, failures, expires_at)
             select ?1, 'next ' || c.key, 1, ?8 + 60000 * case when c.failures >= ?7 * 3 then 15
                 when c.failures >= ?7 * 2 then 5 else 1 end
             from login_attempts c
             where c.tenant_id = ?1 and c.key = ",
            subject!(),
            " and c.failures >= ?7 and c.expires_at > ?8
               and (select failures from login_attempts where tenant_id = ?1 and key = c.key || ?5) <= ?6",
            once_more!("?8", "")
        )))
        .bind(attempt.from)
        .bind(limit)
        .bind(patience)
        .bind(now)
}

/// Counts an attempt at an account from anywhere, if it is looked at: [`count_from`] has counted it, and not beyond
/// `limit`, and [`take_place`] has given it a place if one was needed. The count ends when `ends_at` of its first attempt
/// has come.
pub fn count_anywhere(
    attempt: &Attempt<'_>,
    limit: i64,
    patience: i64,
    ends_at: Timestamp,
    now: Timestamp,
) -> Statement<InTenant> {
    attempt
        .bind(write(concat!(
            "insert into login_attempts as a (tenant_id, key, failures, expires_at)
             select ?1, s.key, 1, ?8 from (select ",
            subject!(),
            " as key) s
             where (select failures from login_attempts where tenant_id = ?1 and key = s.key || ?5) <= ?6
               and not exists (
                 select 1 from login_attempts p
                 join login_attempts c on c.tenant_id = ?1 and c.key = s.key and c.failures >= ?7
                 where p.tenant_id = ?1 and p.key = 'next ' || s.key and p.failures > 1 and p.expires_at > ?9)",
            once_more!("?9", "")
        )))
        .bind(attempt.from)
        .bind(limit)
        .bind(patience)
        .bind(ends_at)
        .bind(now)
}

/// Takes one out of a bucket, unless the one before it (`after`) was found empty: then no row is answered, since nothing
/// was let through. The row's `expires_at` is the moment at which the bucket will be full again, and `failures` how many
/// found it empty since somebody last did not: 0 if there was one.
pub fn take_one(key: &Digest, after: Option<&Digest>, bucket: Bucket, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into login_attempts as a (tenant_id, key, failures, expires_at)
         select ?1, ?2, 0, ?3 + ?4
         where not exists (select 1 from login_attempts where tenant_id = ?1 and key = ?6 and failures > 0)
         on conflict (tenant_id, key) do update set
           failures = case when max(a.expires_at, ?3) + ?4 > ?3 + ?4 * ?5 then a.failures + 1 else 0 end,
           expires_at = case when max(a.expires_at, ?3) + ?4 > ?3 + ?4 * ?5 then a.expires_at
             else max(a.expires_at, ?3) + ?4 end
         returning failures, expires_at",
    )
    .bind(key)
    .bind(now)
    .bind(bucket.every.as_millis())
    .bind(bucket.most)
    .bind(after)
}

/// Takes one out of each bucket in turn; see [`take_one`].
pub fn take_each(buckets: &[(Digest, Bucket)], now: Timestamp) -> Vec<Statement<InTenant>> {
    let before = [None].into_iter().chain(buckets.iter().map(|(key, _)| Some(key)));
    let taken = buckets.iter().zip(before);
    taken.map(|((key, bucket), after)| take_one(key, after, *bucket, now)).collect()
}

/// Puts one back.
pub fn put_back(key: &Digest, bucket: Bucket) -> Statement<InTenant> {
    write("update login_attempts set expires_at = expires_at - ?3 where tenant_id = ?1 and key = ?2")
        .bind(key)
        .bind(bucket.every.as_millis())
}

/// Forgets the attempts at an account from somewhere, of which there were so many: they were the person's own, also among
/// those from anywhere.
pub fn forget_from(account: &UserId, from: &str, failures: i64) -> [Statement<InTenant>; 3] {
    [
        write("delete from login_attempts where tenant_id = ?1 and key = ?2 || ?3").bind(account).bind(from),
        write("update login_attempts set failures = failures - ?3 where tenant_id = ?1 and key = ?2")
            .bind(account)
            .bind(failures),
        write("delete from login_attempts where tenant_id = ?1 and key = ?2 and failures <= 0").bind(account),
    ]
}

/// Counts an attempt to find out whether an address has an account, if it has one. Answers as [`count_attempt`], or no row.
pub fn count_probe(
    key: &Digest,
    connection: &str,
    email: &str,
    limit: i64,
    ends_at: Timestamp,
    now: Timestamp,
) -> Statement<InTenant> {
    write(concat!(
        "insert into login_attempts as a (tenant_id, key, failures, expires_at)
         select ?1, ?2, 1, ?6 where exists (select 1 from users where tenant_id = ?1 and connection = ?3 and email = ?4)",
        once_more!("?7", " or a.failures < ?5")
    ))
    .bind(key)
    .bind(connection)
    .bind(email)
    .bind(limit)
    .bind(ends_at)
    .bind(now)
}

/// Reads a row of a counter.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn count(row: &Row) -> Result<Count, Fault> {
    Ok(Count { failures: row.int("failures")?, expires_at: row.time("expires_at")? })
}

/// How many failures count at the moment. One row or none.
pub fn failures(key: &Digest, now: Timestamp) -> Query<InTenant> {
    read("select failures, expires_at from login_attempts where tenant_id = ?1 and key = ?2 and expires_at > ?3")
        .bind(key)
        .bind(now)
}
