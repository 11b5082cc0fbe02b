//! Live connections: whoever watches an order gets its view at every change.

use super::{Answered, OrderObject};
use crate::reply;
use kindling_domain::error::ErrorCode;
use kindling_domain::wire::LIVE_PROTOCOL;
use worker::{Request, Response, Result, WebSocketPair, WebSocketRequestResponsePair};

/// The most live connections of one order.
const MAX_LIVE: usize = 16;

impl OrderObject {
    /// Opens a live connection. Browsers cannot set headers on a WebSocket, so the token comes as a subprotocol.
    pub(super) fn live(&self, request: &Request) -> Result<Answered> {
        let headers = request.headers();
        if headers
            .get("upgrade")?
            .is_none_or(|value| !value.eq_ignore_ascii_case("websocket"))
        {
            return Ok(Err(ErrorCode::UpgradeRequired.into()));
        }
        let offered = headers.get("sec-websocket-protocol")?.unwrap_or_default();
        let mut offered = offered.split(',').map(str::trim);
        let token = if offered.next() == Some(LIVE_PROTOCOL) {
            offered.next()
        } else {
            None
        };
        let Some(order) = self.opened(token)? else {
            return Ok(Err(ErrorCode::NotFound.into()));
        };
        if self.state.get_websockets().len() >= MAX_LIVE {
            return Ok(Err(ErrorCode::TooManyRequests.into()));
        }
        let pair = WebSocketPair::new()?;
        self.state
            .set_websocket_auto_response(&WebSocketRequestResponsePair::new("ping", "pong")?);
        self.state.accept_web_socket(&pair.server);
        pair.server
            .send_with_str(serde_json::to_string(&order.view())?)?;
        let response = Response::from_websocket(pair.client)?;
        reply::protect(response.headers())?;
        response
            .headers()
            .set("sec-websocket-protocol", LIVE_PROTOCOL)?;
        Ok(Ok(response))
    }

    /// Sends a view to whoever watches.
    pub(super) fn broadcast(&self, view: &str) {
        for socket in self.state.get_websockets() {
            // A socket that cannot be written to is closing; its client polls or comes back.
            let _ = socket.send_with_str(view);
        }
    }
}
