# Three kinds of subnets in each zone: public (load balancer, NAT), private (nodes), inner (stores, no way out).

locals {
  zones = slice(data.aws_availability_zones.this.names, 0, var.zones)
  # zone => its number
  zone_numbers = { for number, zone in local.zones : zone => number }
  nat_zones    = var.nat_gateways == 1 ? [local.zones[0]] : local.zones
}

resource "aws_vpc" "this" {
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.cluster_name }
}

# Every network has one; nothing uses it, and it lets nothing through.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "public" {
  for_each = local.zone_numbers

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.vpc_cidr, 4, each.value)
  map_public_ip_on_launch = false

  tags = { Name = "${var.cluster_name}-public-${each.key}", "kubernetes.io/role/elb" = "1" }
}

resource "aws_subnet" "private" {
  for_each = local.zone_numbers

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.vpc_cidr, 3, each.value + 2)
  map_public_ip_on_launch = false

  tags = { Name = "${var.cluster_name}-private-${each.key}", "kubernetes.io/role/internal-elb" = "1" }
}

resource "aws_subnet" "inner" {
  for_each = local.zone_numbers

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.vpc_cidr, 4, each.value + 12)
  map_public_ip_on_launch = false

  tags = { Name = "${var.cluster_name}-inner-${each.key}" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.cluster_name }
}

# Requests to providers leave from these addresses.
resource "aws_eip" "nat" {
  for_each = toset(local.nat_zones)

  domain = "vpc"

  tags = { Name = "${var.cluster_name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = toset(local.nat_zones)

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.cluster_name}-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }

  tags = { Name = "${var.cluster_name}-public" }
}

resource "aws_route_table" "private" {
  for_each = local.zone_numbers

  vpc_id = aws_vpc.this.id

  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = try(aws_nat_gateway.this[each.key], aws_nat_gateway.this[local.zones[0]]).id
  }

  tags = { Name = "${var.cluster_name}-private-${each.key}" }
}

# No route but the network's own.
resource "aws_route_table" "inner" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.cluster_name}-inner" }
}

resource "aws_route_table_association" "public" {
  for_each = local.zone_numbers

  subnet_id      = aws_subnet.public[each.key].id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  for_each = local.zone_numbers

  subnet_id      = aws_subnet.private[each.key].id
  route_table_id = aws_route_table.private[each.key].id
}

resource "aws_route_table_association" "inner" {
  for_each = local.zone_numbers

  subnet_id      = aws_subnet.inner[each.key].id
  route_table_id = aws_route_table.inner.id
}
