//! The two calls of lnplay.live's front end under their own names and fields, so that it can buy its classes here.
//! Source: the README of the lnplay.live plugin (`lnplaylive-createorder`, `lnplaylive-invoicestatus`).

use super::{BootstrapRequest, OneOrMany, OrderView, StateName};
use crate::catalogue::Product;
use crate::classroom::{Classroom, Distribution, Graph, Plan};
use crate::error::{ApiError, ErrorCode};
use crate::id::OrderId;
use crate::secret::Secret;
use crate::time::WireTime;
use serde::{Deserialize, Serialize};

/// `POST /api/createorder`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateOrder {
    /// 8, 16, 32 or 64.
    pub node_count: u32,
    /// 1 to 504.
    pub hours: u32,
    /// What a front end wrote into its invoices; invoices here carry nothing of a caller's.
    #[serde(default, skip_serializing)]
    pub description: Option<serde::de::IgnoredAny>,
    /// As in `POST /api/bootstrap`.
    #[serde(default)]
    pub graph: Graph,
    /// As in `POST /api/bootstrap`.
    #[serde(default)]
    pub distribution: Distribution,
    /// As in `POST /api/bootstrap`.
    #[serde(default)]
    pub seed: Option<u32>,
    /// As in `POST /api/bootstrap`.
    #[serde(default)]
    pub region: Option<String>,
    /// As in `POST /api/bootstrap`. Without it the server draws the order's keys, hands out the order link once, and keeps no copy.
    #[serde(default)]
    pub ssh_public_key: Option<String>,
    /// As in `POST /api/bootstrap`; only with a key of the caller's.
    #[serde(default)]
    pub seal_to: Option<OneOrMany>,
    /// As in `POST /api/bootstrap`; only with a key of the caller's.
    #[serde(default)]
    pub access_hash: Option<String>,
}

impl CreateOrder {
    /// The class that is wanted.
    ///
    /// # Errors
    /// `unknown_plan` for a number of nodes that no plan has.
    pub fn class(&self) -> Result<Classroom, ApiError> {
        let plan = Plan::of_nodes(self.node_count).ok_or(ErrorCode::UnknownPlan)?;
        Ok(Classroom {
            graph: self.graph,
            distribution: self.distribution,
            seed: self.seed,
            ..Classroom::new(plan, self.hours)
        })
    }

    /// The same order under our own names; `None` where its keys are to be drawn.
    ///
    /// # Errors
    /// `unknown_plan`; `invalid_body` for parts of a key without the key.
    pub fn with_own_key(&self) -> Result<Option<BootstrapRequest>, ApiError> {
        let class = self.class()?;
        let Some(key) = &self.ssh_public_key else {
            if self.seal_to.is_some() || self.access_hash.is_some() {
                return Err(ErrorCode::InvalidBody.into());
            }
            return Ok(None);
        };
        Ok(Some(BootstrapRequest {
            order_id: None,
            product: Product::Classroom(class),
            region: self.region.clone(),
            ssh_public_key: key.clone(),
            seal_to: self.seal_to.clone(),
            access_hash: self.access_hash.clone(),
            refund_to: None,
        }))
    }
}

/// The answer to [`CreateOrder`].
#[derive(Clone, Serialize, Deserialize)]
pub struct CreatedOrder {
    /// How many nodes.
    pub node_count: u32,
    /// For how many hours.
    pub hours: u32,
    /// When the class would end if it were paid now.
    pub expiration_date: WireTime,
    /// Names the order in [`InvoiceStatusRequest`]; it is the order's id.
    pub bolt11_invoice_id: OrderId,
    /// What is to be paid.
    pub bolt11_invoice: String,
    /// The order's page. Where the server drew the keys this is the whole order link: whoever has it has the class.
    pub order_url: Secret,
    /// Where the caller sent a key and no hash: the order's token, this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Secret>,
    /// What to do with it, for people.
    pub message: String,
}

/// How an invoice is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentType {
    /// The one that there is.
    Bolt11,
}

/// `POST /api/invoicestatus`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoiceStatusRequest {
    /// `bolt11`.
    pub payment_type: PaymentType,
    /// [`CreatedOrder::bolt11_invoice_id`].
    pub invoice_id: String,
}

/// The answer to [`InvoiceStatusRequest`]: no more than everybody may know who has seen the invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceStatus {
    /// As it was asked.
    pub invoice_id: OrderId,
    /// How many nodes.
    pub node_count: u32,
    /// For how many hours.
    pub hours: u32,
    /// As it was asked.
    pub payment_type: PaymentType,
    /// `unpaid`, `paid` or `expired`, as Core Lightning calls them.
    pub invoice_status: String,
    /// The machine's.
    pub deployment_details: Deployment,
}

/// How far a machine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Deployment {
    /// The word `not_deployed`, before the invoice is paid.
    Word(String),
    /// From then on.
    Details {
        /// How many nodes.
        node_count: u32,
        /// For how many hours.
        hours: u32,
        /// When the machine is removed; before it is there, when it would be if it were there now.
        vm_expiration_date: Option<WireTime>,
        /// `starting_deployment`, `provisioned`, `culled`, `failed` or `refunded`.
        status: String,
        /// Always empty: connection strings are sealed to the order's own key, and only the order's page opens them.
        connection_strings: Vec<String>,
    },
}

impl InvoiceStatus {
    /// What may be said of an order; `None` of one that is no class. `now_plus_hours` is when a class that began now would end.
    pub fn of(view: &OrderView, now_plus_hours: impl Fn(u32) -> WireTime) -> Option<Self> {
        let Product::Classroom(class) = view.product else {
            return None;
        };
        let (invoice_status, status) = match view.state {
            StateName::AwaitingPayment => ("unpaid", None),
            StateName::Expired => ("expired", None),
            StateName::Provisioning => ("paid", Some("starting_deployment")),
            StateName::Ready if view.ending => ("paid", Some("culled")),
            StateName::Ready => ("paid", Some("provisioned")),
            StateName::Ended => ("paid", Some("culled")),
            StateName::Failed => ("paid", Some("failed")),
            StateName::Refunded => ("paid", Some("refunded")),
        };
        let (node_count, hours) = (class.plan.nodes(), class.hours);
        let deployment_details = match status {
            None => Deployment::Word("not_deployed".to_owned()),
            Some(status) => Deployment::Details {
                node_count,
                hours,
                vm_expiration_date: match view.state {
                    StateName::Provisioning => Some(now_plus_hours(hours)),
                    _ => view.ends_at,
                },
                status: status.to_owned(),
                connection_strings: Vec::new(),
            },
        };
        Some(Self {
            invoice_id: view.bootstrap_job_id,
            node_count,
            hours,
            payment_type: PaymentType::Bolt11,
            invoice_status: invoice_status.to_owned(),
            deployment_details,
        })
    }
}
