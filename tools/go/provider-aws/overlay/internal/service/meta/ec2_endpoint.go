package meta

import (
	"context"
	"fmt"
	"net/url"

	"github.com/hashicorp/aws-sdk-go-base/v2/endpoints"
)

// ec2Endpoint returns what EC2's SDK answers for a Region, without that SDK: the host is made of the Region's name and
// its partition's suffix.
func ec2Endpoint(_ context.Context, region *endpoints.Region) (*url.URL, error) {
	partition, ok := endpoints.PartitionForRegion(endpoints.DefaultPartitions(), region.ID())
	if !ok {
		return nil, fmt.Errorf("no partition has the Region %s", region.ID())
	}
	return &url.URL{Scheme: "https", Host: fmt.Sprintf("ec2.%s.%s", region.ID(), partition.DNSSuffix())}, nil
}
