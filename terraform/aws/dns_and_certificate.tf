# With a domain only. The certificate is for a load balancer that ends TLS itself; Kong's own comes from cert-manager.

resource "aws_route53_zone" "this" {
  #checkov:skip=CKV2_AWS_38:DNSSEC wants a key in us-east-1 and a record at the domain's parent: a step by hand
  #checkov:skip=CKV2_AWS_39:Who asked for the address of a public gateway is of no use, and costs
  count = var.domain == "" ? 0 : 1

  name          = var.domain
  comment       = "Portcullis"
  force_destroy = !var.deletion_protection
}

resource "aws_acm_certificate" "this" {
  count = var.domain == "" ? 0 : 1

  domain_name               = var.domain
  subject_alternative_names = ["*.${var.domain}"]
  validation_method         = "DNS"
  key_algorithm             = "EC_prime256v1"

  lifecycle {
    create_before_destroy = true
  }
}

# The domain and what is under it are proven by one and the same record.
resource "aws_route53_record" "validation" {
  count = var.domain == "" ? 0 : 1

  zone_id         = aws_route53_zone.this[0].zone_id
  name            = tolist(aws_acm_certificate.this[0].domain_validation_options)[0].resource_record_name
  type            = tolist(aws_acm_certificate.this[0].domain_validation_options)[0].resource_record_type
  records         = [tolist(aws_acm_certificate.this[0].domain_validation_options)[0].resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_route53_record" "caa" {
  count = var.domain == "" ? 0 : 1

  zone_id = aws_route53_zone.this[0].zone_id
  name    = var.domain
  type    = "CAA"
  ttl     = 3600
  records = ["0 issue \"amazon.com\"", "0 issue \"letsencrypt.org\""]
}

resource "aws_route53_record" "gateway" {
  for_each = var.gateway_hostname == "" ? toset([]) : toset(["gateway", "api", "console", "admin"])

  zone_id = aws_route53_zone.this[0].zone_id
  name    = "${each.value}.${var.domain}"
  type    = "CNAME"
  ttl     = 300
  records = [var.gateway_hostname]
}
