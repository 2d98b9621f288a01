# The shared store: limits, budgets, cache and health. Valkey without cluster mode, which Kong's rate limiting and
# scripts over several keys need.

resource "aws_elasticache_subnet_group" "this" {
  name       = var.cluster_name
  subnet_ids = [for subnet in aws_subnet.inner : subnet.id]
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.cluster_name}-valkey8"
  family      = "valkey8"
  description = "Portcullis"

  # A budget that was pushed out would be a budget that is whole again: better to refuse.
  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

resource "aws_security_group" "redis" {
  name        = "${var.cluster_name}-redis"
  description = "The shared store, from the cluster only"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "redis" {
  security_group_id            = aws_security_group.redis.id
  description                  = "Pods"
  referenced_security_group_id = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}

# ElastiCache takes its token in no other way than this, which leaves it in the state: the state's bucket has to be
# encrypted, and read by few. (IAM's own tokens end after 15 minutes, which Kong cannot follow.)
resource "random_password" "redis" {
  length  = 64
  special = false

  # A new number here draws a new one; ElastiCache takes both for a while.
  keepers = { rotation = var.redis_token_rotation }
}

resource "aws_cloudwatch_log_group" "redis" {
  name              = "/aws/elasticache/${var.cluster_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV2_AWS_50:A replica takes over wherever there is one; redis_replicas is 1 by default
  replication_group_id = var.cluster_name
  description          = "Portcullis: shared store"
  engine               = "valkey"
  engine_version       = "8.0"
  node_type            = var.redis_node_type
  cluster_mode         = "disabled"
  num_cache_clusters   = var.redis_replicas + 1
  parameter_group_name = aws_elasticache_parameter_group.this.name
  subnet_group_name    = aws_elasticache_subnet_group.this.name
  security_group_ids   = [aws_security_group.redis.id]
  port                 = 6379

  automatic_failover_enabled = var.redis_replicas > 0
  multi_az_enabled           = var.redis_replicas > 0

  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  auth_token                 = random_password.redis.result
  auth_token_update_strategy = "ROTATE"
  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.this.arn

  maintenance_window         = "sun:03:00-sun:04:00"
  snapshot_window            = "02:00-03:00"
  snapshot_retention_limit   = 7
  final_snapshot_identifier  = var.deletion_protection ? "${var.cluster_name}-last" : null
  auto_minor_version_upgrade = true
  apply_immediately          = false

  log_delivery_configuration {
    destination      = aws_cloudwatch_log_group.redis.name
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "engine-log"
  }
}

resource "aws_secretsmanager_secret_version" "redis" {
  secret_id                = aws_secretsmanager_secret.this["redis-auth"].id
  secret_string_wo         = random_password.redis.result
  secret_string_wo_version = var.redis_token_rotation
}
