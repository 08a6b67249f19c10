//! Who has which: one, those with an address, or everybody.

use std::collections::HashMap;
use std::io::{BufWriter, Write as _};
use std::num::NonZeroU32;

use super::super::interrupted::interrupted;
use super::super::terminal::say_aside;
use super::row::{HEAD, Row, believed, line};
use super::{Form, House, PasskeysError, Whom, email};
use crate::kratos::{AskError, Told};
use crate::onboarding::{Identifier, IdentityId, Record};
use crate::store::ReadError;

/// Kratos gives at most 500.
const PAGE: NonZeroU32 = NonZeroU32::new(250).unwrap();

#[derive(Default)]
struct Summary {
    identities: u64,
    passkeys: u64,
    security_keys: u64,
    /// Hold neither.
    without: u64,
    differ: u64,
    unreadable: u64,
}

pub(super) async fn run(whom: &Whom, form: Form, house: &House) -> Result<(), PasskeysError> {
    let mut list = List { form, house, summary: Summary::default(), begun: false, nobody_reads: false };
    let stopped = interrupted().map_err(PasskeysError::Signals)?;
    let told = async {
        if let Some(given) = &whom.email {
            list.with_email(&email(given)?).await
        } else if let Some(id) = whom.id {
            list.one(id).await
        } else {
            list.all().await
        }
    };
    let done = tokio::select! {
        done = told => done,
        () = stopped => Err(PasskeysError::Stopped),
    };
    if done.is_ok() || list.summary.identities > 0 {
        list.end();
    }
    done
}

struct List<'a> {
    form: Form,
    house: &'a House,
    summary: Summary,
    begun: bool,
    nobody_reads: bool,
}

impl List<'_> {
    async fn one(&mut self, id: IdentityId) -> Result<(), PasskeysError> {
        match self.house.identities.one(id).await {
            Ok(told) => self.show(&[told]).await,
            Err(AskError::Gone) => {
                let record = self.house.store.record(id).await?;
                Err(PasskeysError::NotAtKratos(id, believed(record.as_deref()).replacen("here: ", "", 1)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Kratos finds who signs in with it; the records here find who has it and signs in with nothing but a passkey.
    async fn with_email(&mut self, email: &str) -> Result<(), PasskeysError> {
        let House { identities, store, settings, .. } = self.house;
        let mut told = identities.by_identifier(email).await?;
        let digests = Identifier::parse(email).map(|email| settings.secrets.pii.digests(&email));
        let mut ours = store.find(&digests.unwrap_or_default()).await?;
        ours.retain(|id| !told.iter().any(|told| told.identity == *id));
        told.extend(identities.those(&ours).await?);
        if told.is_empty() {
            return Err(PasskeysError::Nobody);
        }
        self.show(&told).await
    }

    async fn all(&mut self) -> Result<(), PasskeysError> {
        let mut from = None;
        loop {
            let page = self.house.identities.page(from.as_ref(), PAGE).await?;
            self.summary.unreadable += u64::from(page.unreadable);
            self.show(&page.told).await?;
            from = page.next;
            if from.is_none() || self.nobody_reads {
                return Ok(());
            }
        }
    }

    async fn show(&mut self, all: &[Told]) -> Result<(), PasskeysError> {
        let records = self.records(all).await?;
        let mut out = BufWriter::new(std::io::stdout().lock());
        let mut written = Ok(());
        if self.form == Form::Table && !std::mem::replace(&mut self.begun, true) {
            written = out.write_all(line(&HEAD).as_bytes());
        }
        for told in all {
            let row = Row { told, record: records.get(&told.identity), clock: &self.house.clock };
            self.summary.count(&row);
            written = written.and_then(|()| match self.form {
                Form::Table => out.write_all(row.table().as_bytes()),
                Form::Json => writeln!(out, "{}", row.json()),
            });
        }
        // A reader that has gone away (`| head`) is no mistake, and Kratos need not be asked for it any longer.
        self.nobody_reads = written.and_then(|()| out.flush()).is_err();
        Ok(())
    }

    async fn records(&self, all: &[Told]) -> Result<HashMap<IdentityId, Record>, ReadError> {
        let ids: Vec<IdentityId> = all.iter().map(|told| told.identity).collect();
        let records = self.house.store.records(&ids).await?;
        Ok(records.into_iter().map(|record| (record.identity, record)).collect())
    }

    fn end(&self) {
        let Summary { identities, passkeys, security_keys, without, differ, unreadable } = self.summary;
        let mut text = format!(
            "{identities} identities, {passkeys} passkeys, {security_keys} security keys, {without} identities without either, {differ} not as believed here"
        );
        if unreadable > 0 {
            text.push_str(&format!("; {unreadable} identities cannot be understood"));
        }
        say_aside(&text);
    }
}

impl Summary {
    fn count(&mut self, row: &Row<'_>) {
        let held = &row.told.held;
        self.identities += 1;
        self.passkeys += u64::from(held.passkeys);
        self.security_keys += u64::from(held.security_keys);
        self.without += u64::from(held.passkeys == 0 && held.security_keys == 0);
        self.differ += u64::from(row.difference().is_some());
    }
}
