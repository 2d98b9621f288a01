# PostgreSQL for tenants, keys and receipts: reached from the cluster only, TLS only. AWS keeps the master's password in
# Secrets Manager and changes it; the backend signs on by its role.

resource "aws_db_subnet_group" "this" {
  count = var.sql_enabled ? 1 : 0

  name       = var.cluster_name
  subnet_ids = [for subnet in aws_subnet.inner : subnet.id]
}

resource "aws_security_group" "sql" {
  count = var.sql_enabled ? 1 : 0

  name        = "${var.cluster_name}-sql"
  description = "The database, from the cluster only"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "sql" {
  count = var.sql_enabled ? 1 : 0

  security_group_id            = aws_security_group.sql[0].id
  description                  = "Pods"
  referenced_security_group_id = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_parameter_group" "this" {
  count = var.sql_enabled ? 1 : 0

  name        = "${var.cluster_name}-postgres17"
  family      = "postgres17"
  description = "Portcullis"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_connections"
    value = "1"
  }

  parameter {
    name  = "log_disconnections"
    value = "1"
  }

  # Statements stay out of the log but for what changes the schema: they may hold what a receipt must not.
  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "-1"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_iam_role" "sql_monitoring" {
  count = var.sql_enabled ? 1 : 0

  name = "${var.cluster_name}-sql-monitoring"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "sql_monitoring" {
  count = var.sql_enabled ? 1 : 0

  role       = aws_iam_role.sql_monitoring[0].name
  policy_arn = "${local.arn}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_cloudwatch_log_group" "sql" {
  count = var.sql_enabled ? 1 : 0

  name              = "/aws/rds/instance/${var.cluster_name}/postgresql"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_157:It is a variable, true by default
  #checkov:skip=CKV_AWS_293:It is a variable, true by default
  #checkov:skip=CKV2_AWS_30:Statements stay out of the log; see the parameters
  count = var.sql_enabled ? 1 : 0

  identifier            = var.cluster_name
  engine                = "postgres"
  engine_version        = "17"
  instance_class        = var.sql_instance_class
  allocated_storage     = 20
  max_allocated_storage = 200
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.this.arn

  db_name                             = "portcullis"
  username                            = "portcullis_admin"
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = aws_kms_key.this.key_id
  iam_database_authentication_enabled = true

  multi_az               = var.sql_multi_az
  publicly_accessible    = false
  db_subnet_group_name   = aws_db_subnet_group.this[0].name
  vpc_security_group_ids = [aws_security_group.sql[0].id]
  parameter_group_name   = aws_db_parameter_group.this[0].name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  backup_retention_period   = 30
  backup_window             = "02:00-03:00"
  maintenance_window        = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot     = true
  delete_automated_backups  = false
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !var.deletion_protection
  final_snapshot_identifier = "${var.cluster_name}-last"

  auto_minor_version_upgrade            = true
  enabled_cloudwatch_logs_exports       = ["postgresql"]
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = aws_kms_key.this.arn
  performance_insights_retention_period = 7
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.sql_monitoring[0].arn

  depends_on = [aws_cloudwatch_log_group.sql]
}
