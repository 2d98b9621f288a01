# What stands in AWS in each mode. Nothing is asked of AWS: the provider's schema and validators are real, its answers
# are in mocks/.

mock_provider "aws" {
  source = "./tests/mocks/aws"
}

run "auto_mode_by_default" {
  assert {
    condition     = aws_eks_cluster.this.compute_config[0].enabled && aws_eks_cluster.this.storage_config[0].block_storage[0].enabled && aws_eks_cluster.this.kubernetes_network_config[0].elastic_load_balancing[0].enabled
    error_message = "nodes, volumes and load balancers are AWS's: the three go together"
  }

  assert {
    condition     = length(aws_eks_node_group.requests) + length(aws_eks_node_group.spot) + length(aws_iam_role.autoscaler) == 0 && !aws_eks_cluster.this.bootstrap_self_managed_addons
    error_message = "and nothing of ours beside them"
  }

  assert {
    condition     = keys(aws_eks_addon.this) == ["metrics-server"]
    error_message = "but for what the autoscaler of pods asks"
  }

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    error_message = "the control plane has no public address unless somebody is named who may reach it"
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].subnet_ids == toset([for subnet in aws_subnet.private : subnet.id]) && alltrue([for subnet in concat(values(aws_subnet.private), values(aws_subnet.public), values(aws_subnet.inner)) : !subnet.map_public_ip_on_launch])
    error_message = "no node has a public address"
  }

  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"]) && aws_kms_key.this.enable_key_rotation
    error_message = "Kubernetes' secrets are encrypted by a key that rotates"
  }
}

run "standard_has_1_to_10_nodes_and_tainted_spot" {
  variables {
    cluster_mode = "standard"
  }

  assert {
    condition = (
      aws_eks_node_group.requests[0].scaling_config[0].min_size == 1 &&
      aws_eks_node_group.requests[0].scaling_config[0].max_size == 10 &&
      aws_eks_node_group.requests[0].capacity_type == "ON_DEMAND" &&
      length(aws_eks_node_group.requests[0].taint) == 0
    )
    error_message = "requests run on 1 to 10 nodes, never on Spot"
  }

  assert {
    condition     = aws_eks_node_group.spot[0].capacity_type == "SPOT" && [for taint in aws_eks_node_group.spot[0].taint : "${taint.key}=${taint.value}:${taint.effect}"] == ["eks.amazonaws.com/capacityType=SPOT:NO_SCHEDULE"]
    error_message = "nothing is put on Spot that did not ask for it"
  }

  assert {
    condition     = alltrue([for template in aws_launch_template.nodes : template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "a pod does not get at its node's identity"
  }

  assert {
    condition     = jsondecode(aws_eks_addon.this["vpc-cni"].configuration_values)["enableNetworkPolicy"] == "true"
    error_message = "NetworkPolicy is enforced"
  }
}

run "backend_may_ask_the_named_models_and_no_more" {
  assert {
    condition = jsondecode(aws_iam_role_policy.bedrock.policy).Statement == [{
      Sid      = "AskModels"
      Effect   = "Allow"
      Action   = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
      Resource = ["arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-20241022-v2:0"]
    }]
    error_message = "one model, in this region, to be asked"
  }

  assert {
    condition = jsondecode(aws_iam_role.backend.assume_role_policy).Statement[0].Condition.StringEquals == {
      "oidc.eks.us-east-1.amazonaws.com/id/SOME:aud" = "sts.amazonaws.com"
      "oidc.eks.us-east-1.amazonaws.com/id/SOME:sub" = "system:serviceaccount:portcullis:portcullis-backend"
    }
    error_message = "only the backend's account in its namespace"
  }
}

run "a_profile_and_its_models" {
  variables {
    bedrock_models             = ["anthropic.claude-sonnet-4-5-20250929-v1:0"]
    bedrock_inference_profiles = ["us.anthropic.claude-sonnet-4-5-20250929-v1:0"]
  }

  assert {
    condition = flatten([for statement in jsondecode(aws_iam_role_policy.bedrock.policy).Statement : statement.Resource]) == [
      "arn:aws:bedrock:*::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
      "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ]
    error_message = "the profile here, and its model in every region"
  }
}

run "store_has_no_cluster_mode_and_is_guarded" {
  assert {
    condition = (
      aws_elasticache_replication_group.this.engine == "valkey" &&
      aws_elasticache_replication_group.this.cluster_mode == "disabled" &&
      aws_elasticache_replication_group.this.transit_encryption_enabled &&
      aws_elasticache_replication_group.this.transit_encryption_mode == "required" &&
      aws_elasticache_replication_group.this.auth_token == random_password.redis.result &&
      aws_elasticache_replication_group.this.automatic_failover_enabled
    )
    error_message = "Valkey without cluster mode, TLS, a token, and a replica that takes over"
  }

  assert {
    condition     = [for parameter in aws_elasticache_parameter_group.this.parameter : "${parameter.name}=${parameter.value}"] == ["maxmemory-policy=noeviction"]
    error_message = "a budget is never pushed out"
  }
}

run "database_is_reached_by_the_cluster_only" {
  assert {
    condition = (
      !aws_db_instance.this[0].publicly_accessible &&
      aws_db_instance.this[0].storage_encrypted &&
      aws_db_instance.this[0].manage_master_user_password &&
      aws_db_instance.this[0].password == null &&
      aws_db_instance.this[0].multi_az &&
      aws_db_instance.this[0].backup_retention_period == 30
    )
    error_message = "private, encrypted, no password of ours, a standby, backups"
  }

  assert {
    condition     = contains([for parameter in aws_db_parameter_group.this[0].parameter : "${parameter.name}=${parameter.value}"], "rds.force_ssl=1")
    error_message = "TLS only"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.sql[0].referenced_security_group_id == "sg-cluster" && aws_vpc_security_group_ingress_rule.redis.referenced_security_group_id == "sg-cluster"
    error_message = "pods, and nobody else"
  }
}

run "what_has_state_is_protected" {
  assert {
    condition     = aws_db_instance.this[0].deletion_protection && !aws_db_instance.this[0].skip_final_snapshot && aws_elasticache_replication_group.this.final_snapshot_identifier == "portcullis-last"
    error_message = "the database refuses, the store leaves a snapshot"
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.recovery_window_in_days == 30]) && !anytrue([for repository in aws_ecr_repository.this : repository.force_delete])
    error_message = "secrets can be had back, images stay"
  }
}

run "with_a_domain" {
  variables {
    domain           = "ai.example.com"
    gateway_hostname = "some.elb.us-east-1.amazonaws.com"
  }

  assert {
    condition     = aws_acm_certificate.this[0].domain_name == "ai.example.com" && aws_acm_certificate.this[0].subject_alternative_names == toset(["*.ai.example.com"]) && aws_acm_certificate.this[0].validation_method == "DNS"
    error_message = "a certificate for all of it"
  }

  assert {
    condition     = [for record in aws_route53_record.gateway : record.name] == ["admin.ai.example.com", "api.ai.example.com", "console.ai.example.com", "gateway.ai.example.com"]
    error_message = "its names lead to Kong's load balancer"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.cert_manager[0].policy).Statement[0].Condition["ForAllValues:StringEquals"]["route53:ChangeResourceRecordSetsRecordTypes"] == ["TXT"]
    error_message = "cert-manager may write what proves, and no address"
  }
}

run "names_that_are_read" {
  assert {
    condition = (
      output.cluster_name == "portcullis" &&
      output.registry == "123456789012.dkr.ecr.us-east-1.amazonaws.com" &&
      keys(output.repositories) == ["portcullis-backend", "portcullis-kong"] &&
      output.redis_host == "master.portcullis.some.use1.cache.amazonaws.com" &&
      output.redis_port == 6379 &&
      output.redis_auth_secret == "portcullis-redis-auth" &&
      keys(output.secret_ids) == ["clinic-jwt", "demo-jwt", "llm-api-keys", "redis-auth", "tag-keys"] &&
      output.certificate_arn == "" && length(output.name_servers) == 0
    )
    error_message = "what is read of it"
  }
}

run "alarm_workflows_and_one_way_out" {
  variables {
    alert_email         = "ops@example.com"
    github_repository   = "portcullis-gateway/portcullis"
    nat_gateways        = 1
    authorized_networks = ["203.0.113.0/24"]
    admin_principals    = ["arn:aws:iam::123456789012:role/platform"]
  }

  assert {
    condition     = length(aws_budgets_budget.this[0].notification) == 4 && aws_budgets_budget.this[0].limit_amount == "500"
    error_message = "three steps, and one before it has happened"
  }

  assert {
    condition = jsondecode(aws_iam_role.ci[0].assume_role_policy).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"] == [
      "repo:portcullis-gateway/portcullis:ref:refs/heads/main",
      "repo:portcullis-gateway/portcullis:ref:refs/tags/v*",
    ]
    error_message = "of every workflow on GitHub, only this repository's, and no pull request's"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route_table.private) == 3
    error_message = "one way out for three zones"
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.0/24"]) && !aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions
    error_message = "who is named administers, and from where"
  }
}

run "external_secrets_reads_the_gateway_s_secrets" {
  variables {
    external_secrets = true
  }

  assert {
    condition     = length(jsondecode(aws_iam_role_policy.external_secrets[0].policy).Statement[0].Resource) == length(output.secret_ids) && jsondecode(aws_iam_role.external_secrets[0].assume_role_policy).Statement[0].Condition.StringEquals["oidc.eks.us-east-1.amazonaws.com/id/SOME:sub"] == "system:serviceaccount:external-secrets:external-secrets"
    error_message = "each of them, to be read, by the one account"
  }
}

run "without_database_and_budget" {
  variables {
    sql_enabled = false
    budget_usd  = 0
  }

  assert {
    condition     = length(aws_db_instance.this) + length(aws_budgets_budget.this) + length(aws_security_group.sql) + length(aws_iam_role_policy.database) == 0 && output.sql_address == ""
    error_message = "what is turned off is not there"
  }
}
