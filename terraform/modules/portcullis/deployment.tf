# As configs/kubernetes/base/backend-service-deployment.yaml is; a test holds the two together.
resource "kubernetes_deployment_v1" "this" {
  #checkov:skip=CKV_K8S_35:Keys are files; the store's address is the one setting with a password in it
  count = local.count

  wait_for_rollout = var.wait_for_rollout

  metadata {
    name      = local.name
    namespace = local.namespace
    labels    = local.labels
  }

  spec {
    replicas               = var.replicas
    revision_history_limit = 5
    min_ready_seconds      = 10

    strategy {
      type = "RollingUpdate"

      rolling_update {
        max_unavailable = "0"
        max_surge       = "1"
      }
    }

    selector {
      match_labels = merge(local.selector, { track = "stable" })
    }

    template {
      metadata {
        labels = merge(local.labels, { track = "stable" })
        # A pod reads these once, at its start.
        annotations = {
          "portcullis.dev/configuration"    = sha256(jsonencode([local.gateway_config, local.settings]))
          "portcullis.dev/secrets-revision" = tostring(var.secrets_revision)
        }
      }

      spec {
        service_account_name            = kubernetes_service_account_v1.this[0].metadata[0].name
        automount_service_account_token = false
        enable_service_links            = false
        # PORTCULLIS_DRAIN_DELAY_S, then the longest stream (600 s) with 20 s to spare, then 10 s to end.
        termination_grace_period_seconds = 645

        security_context {
          run_as_non_root        = true
          run_as_user            = "10001"
          run_as_group           = "10001"
          fs_group               = "10001"
          fs_group_change_policy = "OnRootMismatch"

          seccomp_profile {
            type = "RuntimeDefault"
          }
        }

        affinity {
          # One node's volume: all replicas there, or a new one would wait for the old one's volume for ever.
          dynamic "pod_affinity" {
            for_each = local.one_node ? [1] : []

            content {
              required_during_scheduling_ignored_during_execution {
                topology_key = "kubernetes.io/hostname"

                label_selector {
                  match_labels = local.selector
                }
              }
            }
          }

          dynamic "pod_anti_affinity" {
            for_each = local.one_node ? [] : [1]

            content {
              preferred_during_scheduling_ignored_during_execution {
                weight = 100

                pod_affinity_term {
                  topology_key = "kubernetes.io/hostname"

                  label_selector {
                    match_labels = local.selector
                  }
                }
              }
            }
          }
        }

        dynamic "topology_spread_constraint" {
          for_each = local.one_node ? [] : [1]

          content {
            max_skew           = 1
            topology_key       = "topology.kubernetes.io/zone"
            when_unsatisfiable = "ScheduleAnyway"
            # Else the pods of the last version count while a new one rolls out.
            match_label_keys = ["pod-template-hash"]

            label_selector {
              match_labels = local.selector
            }
          }
        }

        # Whom the backend believes: the public authorities, this namespace's own, and the store's where it has one.
        init_container {
          name    = "authorities"
          image   = local.image
          command = ["sh", "-ec"]
          args = [<<-SH
            cat /etc/ssl/certs/ca-certificates.crt >/authorities/bundle.crt
            for file in /run/portcullis/tls/ca.crt /run/portcullis/redis/ca.crt; do
              [ ! -s "$file" ] || { echo; cat "$file"; } >>/authorities/bundle.crt
            done
          SH
          ]

          resources {
            requests = { cpu = "50m", memory = "32Mi" }
            limits   = { cpu = "500m", memory = "64Mi" }
          }

          security_context {
            allow_privilege_escalation = false
            # The provider writes false where nothing is said, which takes the pod's own word back.
            run_as_non_root           = true
            read_only_root_filesystem = true

            capabilities {
              drop = ["ALL"]
            }
          }

          volume_mount {
            name       = "authorities"
            mount_path = "/authorities"
          }

          dynamic "volume_mount" {
            for_each = local.tls ? [1] : []

            content {
              name       = "tls"
              mount_path = "/run/portcullis/tls"
              read_only  = true
            }
          }

          volume_mount {
            name       = "redis-authority"
            mount_path = "/run/portcullis/redis"
            read_only  = true
          }
        }

        container {
          name  = "backend"
          image = local.image

          env_from {
            config_map_ref {
              name = kubernetes_config_map_v1.settings[0].metadata[0].name
            }
          }

          # Several backends are one only by what they share. Empty is none.
          env {
            name = "REDIS_URL"

            value_from {
              secret_key_ref {
                name = kubernetes_secret_v1.redis[0].metadata[0].name
                key  = "url"
              }
            }
          }

          # What a large body took is given back: without this glibc keeps it, half a gigabyte after 32 of them.
          env {
            name  = "MALLOC_MMAP_THRESHOLD_"
            value = "1048576"
          }

          port {
            name           = "http"
            container_port = 8081
          }

          port {
            name           = "management"
            container_port = 8082
          }

          # Providers are warmed: up to 2 minutes on a busy node.
          startup_probe {
            period_seconds    = 2
            timeout_seconds   = 2
            failure_threshold = 60

            http_get {
              path = "/started"
              port = "management"
            }
          }

          # The event loop turns. What others do (Redis, a provider) never restarts a pod.
          liveness_probe {
            period_seconds    = 10
            timeout_seconds   = 5
            failure_threshold = 3

            http_get {
              path = "/live"
              port = "management"
            }
          }

          # All parts are there, and it is not draining.
          readiness_probe {
            period_seconds    = 5
            timeout_seconds   = 3
            failure_threshold = 2

            http_get {
              path = "/ready"
              port = "management"
            }
          }

          # Measured; configs/kubernetes/base says how.
          resources {
            requests = { cpu = "1", memory = "640Mi" }
            limits   = { cpu = "2", memory = "2Gi" }
          }

          security_context {
            allow_privilege_escalation = false
            # The provider writes false where nothing is said, which takes the pod's own word back.
            run_as_non_root           = true
            read_only_root_filesystem = true

            capabilities {
              drop = ["ALL"]
            }
          }

          dynamic "volume_mount" {
            for_each = local.mounts

            content {
              name       = volume_mount.key
              mount_path = volume_mount.value.path
              read_only  = volume_mount.value.read_only
            }
          }
        }

        volume {
          name = "gateway"

          config_map {
            name = kubernetes_config_map_v1.gateway[0].metadata[0].name
          }
        }

        volume {
          name = "tag"

          secret {
            secret_name  = kubernetes_secret_v1.tag_keys[local.namespace].metadata[0].name
            default_mode = "0440"
          }
        }

        # A provider without its key is simply not chosen.
        volume {
          name = "credentials"

          secret {
            secret_name  = kubernetes_secret_v1.provider_keys[0].metadata[0].name
            default_mode = "0440"
            optional     = true
          }
        }

        dynamic "volume" {
          for_each = local.tls ? [1] : []

          content {
            name = "tls"

            secret {
              secret_name  = var.backend_tls_secret
              default_mode = "0440"
            }
          }
        }

        volume {
          name = "redis-authority"

          secret {
            secret_name  = kubernetes_secret_v1.redis[0].metadata[0].name
            default_mode = "0440"
            optional     = true

            items {
              key  = "ca.crt"
              path = "ca.crt"
            }
          }
        }

        volume {
          name = "authorities"

          empty_dir {
            size_limit = "4Mi"
          }
        }

        volume {
          name = "tmp"

          empty_dir {
            size_limit = "128Mi"
          }
        }

        dynamic "volume" {
          for_each = var.storage_enabled ? [1] : []

          content {
            name = "data"

            persistent_volume_claim {
              claim_name = kubernetes_persistent_volume_claim_v1.this[0].metadata[0].name
            }
          }
        }
      }
    }
  }

  # The old pods may each take their 645 s to let streams run out.
  timeouts {
    create = "10m"
    update = "30m"
  }
}

locals {
  mounts = merge(
    {
      authorities = { path = "/run/portcullis/authorities", read_only = true }
      gateway     = { path = "/run/portcullis/gateway", read_only = true }
      tag         = { path = "/run/portcullis/tag", read_only = true }
      credentials = { path = "/run/portcullis/credentials", read_only = true }
      tmp         = { path = "/tmp", read_only = false }
    },
    local.tls ? { tls = { path = "/run/portcullis/tls", read_only = true } } : {},
    var.storage_enabled ? { data = { path = "/var/lib/portcullis", read_only = false } } : {},
  )
}
