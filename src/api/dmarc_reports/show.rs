use actix_web::get;
use actix_web::web::{Data, Path};

use super::DmarcReportDetails;
use crate::api::body::Json;
use crate::api::caller::Caller;
use crate::api::field;
use crate::api::house::House;
use crate::api::problem::{Problem, Problems};
use crate::model::ids::ReportId;
use crate::model::report::ReportKind;

/// Show a DMARC report
///
/// All that it says.
#[utoipa::path(
    operation_id = "show_dmarc_report", tag = "reports", security(("bearer" = ["domains:read"])),
    params(("id" = String, Path, description = "The id of the report.", example = "01jzc8m3f9xkq")),
    responses((status = 200, description = "The report.", body = DmarcReportDetails), Problems)
)]
#[get("/dmarc-reports/{id}")]
pub async fn handler(caller: Caller, house: Data<House>, path: Path<String>) -> Result<Json<DmarcReportDetails>, Problem> {
    caller.visible(None)?;
    let id: ReportId = field::named("report", &path)?;
    let report = house
        .run(|house| async move { house.reports.show(ReportKind::Dmarc, id).await })
        .await?;
    caller.domain_admin(Some(&report.domain))?;
    Ok(Json(report.into()))
}
