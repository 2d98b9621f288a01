# Values that are refused before anything is made.

mock_provider "aws" {
  source = "./tests/mocks/aws"
}

run "values_of_each_variable" {
  command = plan

  variables {
    region                     = "us-east-1a"
    cluster_name               = "A Name"
    cluster_mode               = "autopilot"
    kubernetes_version         = "1.29"
    domain                     = "https://ai.example.com"
    alert_email                = "ops"
    budget_usd                 = 1.5
    vpc_cidr                   = "10.0.0.0/8"
    zones                      = 1
    nat_gateways               = 2
    authorized_networks        = ["0.0.0.0/0"]
    admin_principals           = ["somebody"]
    nodes                      = { min = 5, max = 3 }
    spot_nodes                 = { max = -1 }
    redis_node_type            = "t4g.small"
    redis_replicas             = 9
    redis_token_rotation       = 0
    sql_instance_class         = "m7g.large"
    namespace                  = "Portcullis"
    bedrock_models             = ["*"]
    bedrock_inference_profiles = ["everything"]
    tenants                    = ["Not A Name"]
    github_repository          = "portcullis"
    log_retention_days         = 100
  }

  expect_failures = [
    var.region,
    var.cluster_name,
    var.cluster_mode,
    var.kubernetes_version,
    var.domain,
    var.alert_email,
    var.budget_usd,
    var.vpc_cidr,
    var.zones,
    var.nat_gateways,
    var.authorized_networks,
    var.admin_principals,
    var.nodes,
    var.spot_nodes,
    var.redis_node_type,
    var.redis_replicas,
    var.redis_token_rotation,
    var.sql_instance_class,
    var.namespace,
    var.bedrock_models,
    var.bedrock_inference_profiles,
    var.tenants,
    var.github_repository,
    var.log_retention_days,
  ]
}

run "names_that_lead_to_no_load_balancer" {
  command = plan

  variables {
    domain           = "ai.example.com"
    gateway_hostname = "gateway.example.org"
  }

  expect_failures = [var.gateway_hostname]
}
