# An alarm, not a stop: Google stops nothing. What a request may cost, the gateway's own budgets hold.
resource "google_billing_budget" "this" {
  count    = var.budget_usd > 0 ? 1 : 0
  provider = google.budget

  billing_account = data.google_project.this.billing_account
  display_name    = "Portcullis: ${var.cluster_name}"

  budget_filter {
    projects               = ["projects/${data.google_project.this.number}"]
    calendar_period        = "MONTH"
    credit_types_treatment = "INCLUDE_ALL_CREDITS"
  }

  amount {
    specified_amount {
      units = tostring(var.budget_usd)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.8, 1.0]

    content {
      threshold_percent = threshold_rules.value
    }
  }

  # Before it has happened.
  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = local.alert_channels
    disable_default_iam_recipients   = false
    enable_project_level_recipients  = true
  }

  depends_on = [google_project_service.this]
}
