# Values that are refused before anything is made.

mock_provider "kubernetes" {}

variables {
  auth_secret = "0123456789abcdef0123456789abcdef"
}

run "values_of_each_variable" {
  command = plan

  variables {
    auth_secret         = "too short"
    image_tag           = "latest"
    replicas            = 0
    settings            = { OPENAI_API_KEY = "a key" }
    gateway_config      = "version"
    secrets_revision    = 0
    storage_size        = "10 gigabytes"
    storage_access_mode = "Whenever"
    domain              = "https://ai.example.com"
    oauth2_proxy_host   = "https://oauth2.example.com"
    admin_emails        = "ann@example.com, bob"
  }

  expect_failures = [
    var.auth_secret,
    var.image_tag,
    var.replicas,
    var.settings,
    var.gateway_config,
    var.secrets_revision,
    var.storage_size,
    var.storage_access_mode,
    var.domain,
    var.oauth2_proxy_host,
    var.admin_emails,
  ]
}

run "a_store_that_is_none" {
  command = plan

  variables {
    redis_url = "http://redis.example.com"
  }

  expect_failures = [var.redis_url]
}

run "replicas_that_share_nothing" {
  command = plan

  variables {
    replicas = 2
  }

  expect_failures = [var.redis_url]
}

run "a_console_without_a_sign_on" {
  command = plan

  variables {
    console_enabled = true
    domain          = "ai.example.com"
  }

  expect_failures = [var.console_enabled]
}

run "a_sign_on_that_another_class_would_not_ask_for" {
  command = plan

  variables {
    console_enabled   = true
    domain            = "ai.example.com"
    oauth2_proxy_host = "oauth2.example.com"
    ingress_class     = "traefik"
  }

  expect_failures = [kubernetes_ingress_v1.this]
}

run "an_address_that_would_be_more_than_one" {
  command = plan

  variables {
    admin_emails = "ann@example.com&allowed_groups=all"
  }

  expect_failures = [var.admin_emails]
}
