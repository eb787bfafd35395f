//! A connection to a browser in the DevTools protocol: commands and their
//! answers, and the events of those who listen.
//!
//! `wire` carries the messages, which `codec` tells apart. What commands and
//! events mean is left to `page`.

mod codec;
mod event;
mod wire;

use std::collections::HashMap;

use chromiumoxide::types::{CallId, Command, Message, MethodId, Response};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::event::Event;
pub(crate) use self::wire::{Wire, WireError};

/// How many orders wait for the wire before those who give them do.
const ORDERS_MAX: usize = 64;

/// How many events wait for a listener. A page that makes more of them than can
/// be read loses its listener, and fails.
const EVENTS_MAX: usize = 4096;

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The browser, or the connection to it, has ended.
    #[error("the browser has ended")]
    Ended,
    /// The browser does not do it.
    #[error("the browser refuses `{method}`: {message}")]
    Refused {
        /// The command.
        method: MethodId,
        /// Why, in the browser's words.
        message: String,
    },
    /// The answer is not what the protocol says.
    #[error("the browser's answer to `{method}` cannot be read")]
    BadAnswer {
        /// The command.
        method: MethodId,
        /// Where it differs.
        source: serde_json::Error,
    },
}

/// The connection. It ends when this is dropped.
pub(crate) struct Link {
    orders: mpsc::Sender<Order>,
    _driver: AbortOnDropHandle<()>,
}

enum Order {
    Call {
        method: MethodId,
        session: Option<String>,
        params: Value,
        answer: Option<oneshot::Sender<Response>>,
    },
    Listen {
        addressee: String,
        events: mpsc::Sender<Event>,
    },
}

impl Link {
    /// Speaks over `wire`.
    pub(crate) fn new(wire: Wire) -> Self {
        let (orders, received) = mpsc::channel(ORDERS_MAX);
        Link {
            orders,
            _driver: AbortOnDropHandle::new(tokio::spawn(drive(wire, received))),
        }
    }

    /// Whether the browser can no longer be spoken to.
    pub(crate) fn has_ended(&self) -> bool {
        self.orders.is_closed()
    }

    /// Has the browser, or one of its sessions, do something, and gives the
    /// answer. Has no time limit of its own: the callers have deadlines.
    pub(crate) async fn execute<C: Command>(
        &self,
        session: Option<&str>,
        command: C,
    ) -> Result<C::Response, LinkError> {
        let (answer, answered) = oneshot::channel();
        let order = call(session, &command, Some(answer));
        self.orders
            .send(order)
            .await
            .map_err(|_| LinkError::Ended)?;
        let response = answered.await.map_err(|_| LinkError::Ended)?;
        let method = command.identifier();
        if let Some(error) = response.error {
            let message = error.message;
            return Err(LinkError::Refused { method, message });
        }
        C::response_from_value(response.result.unwrap_or_default())
            .map_err(|source| LinkError::BadAnswer { method, source })
    }

    /// Has the browser do something, whatever comes of it.
    pub(crate) async fn tell<C: Command>(
        &self,
        session: Option<&str>,
        command: &C,
    ) -> Result<(), LinkError> {
        let order = call(session, command, None);
        self.orders.send(order).await.map_err(|_| LinkError::Ended)
    }

    /// As `tell`, for those who cannot wait: when the wire is congested, nothing
    /// happens. Nothing may depend on it.
    pub(crate) fn hint<C: Command>(&self, session: Option<&str>, command: &C) {
        if self.orders.try_send(call(session, command, None)).is_err() {
            let method = command.identifier();
            tracing::debug!(%method, "a command to the browser was dropped");
        }
    }

    /// The events of any of the `addressees`, from now on: sessions and targets.
    /// They end when too many wait, or with the browser.
    pub(crate) async fn listen(
        &self,
        addressees: [String; 2],
    ) -> Result<mpsc::Receiver<Event>, LinkError> {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        for addressee in addressees {
            let events = sender.clone();
            let order = Order::Listen { addressee, events };
            self.orders
                .send(order)
                .await
                .map_err(|_| LinkError::Ended)?;
        }
        Ok(events)
    }
}

fn call<C: Command>(
    session: Option<&str>,
    command: &C,
    answer: Option<oneshot::Sender<Response>>,
) -> Order {
    Order::Call {
        method: command.identifier(),
        session: session.map(str::to_owned),
        params: serde_json::to_value(command).expect("the protocol's types are JSON"),
        answer,
    }
}

/// Sends orders and hands out what comes in, until nobody gives orders any more
/// or the wire breaks. Those who wait are told by the end of their channels.
async fn drive(mut wire: Wire, orders: mpsc::Receiver<Order>) {
    let mut waiting = HashMap::new();
    let mut listeners = HashMap::new();
    // The last is dropped first: who loses its events can tell, by `has_ended`,
    // whether the browser has gone or they were too many.
    let mut orders = orders;
    loop {
        let outcome = tokio::select! {
            order = orders.recv() => match order {
                Some(order) => obey(order, &mut wire, &mut waiting, &mut listeners).await,
                None => return,
            },
            message = wire.receive() => match message {
                Some(message) => message.map(|message| {
                    hand_out(message, &mut waiting, &mut listeners);
                }),
                None => return,
            },
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "the connection to the browser broke");
            return;
        }
    }
}

type Waiting = HashMap<CallId, oneshot::Sender<Response>>;
type Listeners = HashMap<String, mpsc::Sender<Event>>;

async fn obey(
    order: Order,
    wire: &mut Wire,
    waiting: &mut Waiting,
    listeners: &mut Listeners,
) -> Result<(), WireError> {
    match order {
        Order::Call {
            method,
            session,
            params,
            answer,
        } => {
            let id = wire.send(method, session, params).await?;
            waiting.retain(|_, answer| !answer.is_closed());
            waiting.extend(answer.map(|answer| (id, answer)));
        }
        Order::Listen { addressee, events } => {
            listeners.retain(|_, events| !events.is_closed());
            listeners.insert(addressee, events);
        }
    }
    Ok(())
}

fn hand_out(message: Message<Event>, waiting: &mut Waiting, listeners: &mut Listeners) {
    match message {
        Message::Response(response) => {
            if let Some(answer) = waiting.remove(&response.id) {
                // Whoever asked may have given up.
                let _ = answer.send(response);
            }
        }
        Message::Event(event) => {
            let listener = event.addressee().and_then(|key| listeners.get(key));
            let Some(events) = listener.cloned() else {
                return;
            };
            if events.try_send(event).is_err() {
                tracing::debug!("a page makes more events than can be read");
                listeners.retain(|_, other| !other.same_channel(&events));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chromiumoxide::cdp::browser_protocol::target::CloseTargetParams;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_page_that_floods_is_lost_and_the_link_goes_on() {
        let (ours, browser) = tokio::io::duplex(1 << 20);
        let (reads, writes) = tokio::io::split(ours);
        let (mut asked, mut answers) = tokio::io::split(browser);
        let link = Link::new(Wire::pipe(writes, reads));
        let names = ["session".to_owned(), "target".to_owned()];
        let mut events = link.listen(names).await.unwrap();
        let browser = async {
            let mut first = [0; 1];
            asked.read_exact(&mut first).await.unwrap();
            let event = json!({"method": "A.b", "sessionId": "session", "params": {}});
            let flood = format!("{event}\0").repeat(EVENTS_MAX + 1);
            answers.write_all(flood.as_bytes()).await.unwrap();
            // No JSON, and what no text of ours can be: half of a character.
            answers.write_all(b"{]\0\"\\ud800\"\0").await.unwrap();
            let answer = json!({"id": 0, "result": {"success": true}});
            answers
                .write_all(format!("{answer}\0").as_bytes())
                .await
                .unwrap();
        };
        let closing = link.execute(None, CloseTargetParams::new("target".to_owned()));
        let (closed, ()) = tokio::join!(closing, browser);
        assert!(closed.is_ok());
        let mut count = 0;
        while events.recv().await.is_some() {
            count += 1;
        }
        assert_eq!((count, link.has_ended()), (EVENTS_MAX, false));

        let mut events = link.listen(["a".to_owned(), "b".to_owned()]).await.unwrap();
        drop((asked, answers));
        assert!(events.recv().await.is_none());
        assert!(link.has_ended());
    }
}
