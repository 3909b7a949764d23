use actix_web::get;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::DmarcReport;
use crate::api::body::{Json, Query};
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::page;
use crate::api::problem::{Problem, Problems};
use crate::model::ids::ReportId;
use crate::model::report::ReportKind;

/// Which reports.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Which {
    /// Only those about this domain.
    #[param(example = "example.test")]
    domain: Option<String>,
    /// At most so many; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of DMARC reports.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct DmarcReportList {
    /// The newest first.
    items: Vec<DmarcReport>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List DMARC reports
///
/// How mail fared elsewhere that says it is of domains here, as others have reported it: from the mail for `reports.received_at`, the newest first, kept for `reports.keep_days`. An administrator of a domain sees those about it.
#[utoipa::path(
    operation_id = "list_dmarc_reports", tag = "reports", security(("bearer" = ["domains:read"])), params(Which),
    responses((status = 200, description = "A page of reports.", body = DmarcReportList), Problems)
)]
#[get("/dmarc-reports")]
pub async fn handler(caller: Caller, house: Data<House>, Query(which): Query<Which>) -> Result<Json<DmarcReportList>, Problem> {
    let page = page::bounds(which.limit, which.cursor)?;
    let domain = which.domain.map(|text| field::named("domain", &text)).transpose()?;
    let domains = caller.visible(domain)?;
    let before: Option<ReportId> = page
        .after
        .map(|cursor| cursor.parse().map_err(|_| page::bad_cursor()))
        .transpose()?;
    let found = house
        .run(|house| async move { house.reports.list(ReportKind::Dmarc, domains, before, page.limit).await })
        .await?;
    Ok(Json(DmarcReportList {
        items: found.items.into_iter().map(DmarcReport::from).collect(),
        next_cursor: found.next,
    }))
}
