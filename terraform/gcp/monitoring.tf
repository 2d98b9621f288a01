# What Prometheus in the cluster cannot see: the address from outside, and Google's own stores. All else is in
# configs/prometheus.

resource "google_monitoring_notification_channel" "email" {
  count = var.alert_email == "" ? 0 : 1

  display_name = "Portcullis"
  type         = "email"
  labels       = { email_address = var.alert_email }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_uptime_check_config" "gateway" {
  count = var.domain == "" ? 0 : 1

  display_name = "Portcullis: /health"
  timeout      = "10s"
  period       = "60s"

  http_check {
    path         = "/health"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project_id, host = "gateway.${var.domain}" }
  }

  depends_on = [google_project_service.this]
}

locals {
  # name => what is asked, above what, for how long, and what it means.
  alarms = merge(
    {
      redis-memory = {
        filter    = "resource.type = \"memorystore.googleapis.com/Instance\" AND resource.labels.instance_id = \"${var.cluster_name}\" AND metric.type = \"memorystore.googleapis.com/instance/memory/maximum_utilization\""
        threshold = 0.8
        duration  = "300s"
        text      = "The shared store is filling up. It evicts nothing: once it is full, requests with a budget are refused. Take a larger redis_node_type."
      }
      nat-drops = {
        filter    = "resource.type = \"nat_gateway\" AND resource.labels.gateway_name = \"${var.cluster_name}\" AND metric.type = \"router.googleapis.com/nat/dropped_sent_packets_count\""
        threshold = 0
        duration  = "300s"
        text      = "Cloud NAT runs out of ports: connections to providers fail. Raise nat_addresses."
      }
    },
    var.sql_enabled ? {
      sql-disk = {
        filter    = "resource.type = \"cloudsql_database\" AND resource.labels.database_id = \"${var.project_id}:${var.cluster_name}\" AND metric.type = \"cloudsql.googleapis.com/database/disk/utilization\""
        threshold = 0.85
        duration  = "300s"
        text      = "The database's disk is filling up faster than it grows."
      }
    } : {},
    var.domain != "" ? {
      uptime = {
        filter    = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id = \"${google_monitoring_uptime_check_config.gateway[0].uptime_check_id}\""
        threshold = 1
        duration  = "120s"
        text      = "The gateway does not answer /health from outside. See GatewayDown in diagrams/GCP-Gateway-Architecture-Guide.md."
      }
    } : {},
  )
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alarms

  display_name          = "Portcullis: ${each.key}"
  combiner              = "OR"
  severity              = each.key == "uptime" ? "CRITICAL" : "WARNING"
  notification_channels = local.alert_channels

  conditions {
    display_name = each.key

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = each.value.duration

      aggregations {
        alignment_period = "60s"
        # Of the places that ask /health, how many are refused; of all else, the worst.
        per_series_aligner   = each.key == "uptime" ? "ALIGN_NEXT_OLDER" : each.key == "nat-drops" ? "ALIGN_RATE" : "ALIGN_MAX"
        cross_series_reducer = each.key == "uptime" ? "REDUCE_COUNT_FALSE" : "REDUCE_MAX"
      }
    }
  }

  documentation {
    content   = each.value.text
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.this]
}
