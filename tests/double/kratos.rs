//! The double itself, and how a request becomes an answer.

use std::sync::{Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Route};

use super::answer::Answer;
use super::config::Config;
use super::exchange::Exchange;
use super::hooks::Sender;
use super::refusal::{Instead, Refusal};
use super::return_to::with_query;
use super::state::State;
use super::{admin, random};

pub struct Kratos {
    pub config: Config,
    pub hooks: Sender,
    state: Mutex<State>,
}

/// One endpoint. It has the whole state to itself while it runs.
pub type Endpoint = fn(&Kratos, &mut Exchange, &mut State) -> Result<Answer, Refusal>;

impl Kratos {
    pub fn new(config: Config) -> Kratos {
        Kratos { hooks: Sender::new(&config), config, state: Mutex::default() }
    }

    /// What no request can do: a test that makes a session old.
    pub fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn answer(&self, endpoint: Endpoint, exchange: &mut Exchange) -> Answer {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = match endpoint(self, exchange, &mut state) {
            Ok(answer) => return answer,
            Err(refusal) => refusal,
        };
        if exchange.fetches() {
            return refusal.answer();
        }
        match &refusal.instead {
            Instead::Json => refusal.answer(),
            Instead::To(url) => Answer::To(url.clone()),
            Instead::Found(url) => Answer::Found(url.clone()),
            Instead::ErrorPage => {
                let id = random::id();
                state.errors.insert(id, refusal.body["error"].clone());
                Answer::To(with_query(&self.config.page("error"), &[("id", &id.to_string())]))
            }
        }
    }
}

/// A public endpoint.
pub fn to(route: Route, endpoint: Endpoint) -> Route {
    route.to(move |kratos: Data<Kratos>, request: HttpRequest, body: Bytes| async move {
        let mut exchange = Exchange::new(&kratos.config, &request, &body);
        let answer = kratos.answer(endpoint, &mut exchange);
        respond(answer, &exchange)
    })
}

/// An endpoint of the admin API: JSON in, JSON out.
pub fn to_admin(route: Route, endpoint: Endpoint) -> Route {
    route.to(move |kratos: Data<Kratos>, request: HttpRequest, body: Bytes| async move {
        let mut exchange = Exchange::new(&kratos.config, &request, &body);
        exchange.body = admin::body(&body);
        let answer = {
            let mut state = kratos.state.lock().unwrap_or_else(PoisonError::into_inner);
            endpoint(&kratos, &mut exchange, &mut state).unwrap_or_else(|refusal| refusal.answer())
        };
        respond(answer, &exchange)
    })
}

fn respond(answer: Answer, exchange: &Exchange) -> HttpResponse {
    let status = match &answer {
        Answer::Json(status, _) | Answer::With(status, ..) => StatusCode::from_u16(*status).unwrap(),
        Answer::To(_) => StatusCode::SEE_OTHER,
        Answer::Found(_) => StatusCode::FOUND,
        Answer::Nothing => StatusCode::NO_CONTENT,
    };
    let mut response = HttpResponse::build(status);
    response.insert_header(("cache-control", "private, no-cache, no-store, must-revalidate"));
    for cookie in &exchange.set {
        response.cookie(cookie.clone());
    }
    match answer {
        Answer::Json(_, body) => response.json(body),
        Answer::With(_, header, body) => response.insert_header(header).json(body),
        Answer::To(url) | Answer::Found(url) => response.insert_header(("location", url)).finish(),
        Answer::Nothing => response.finish(),
    }
}
