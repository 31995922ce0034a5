package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// listPackages prints the packages of an environment that may need a plugin.
//
//go:embed packages.py
var listPackages string

// releases are the versions of Python packages that tell a plugin's, such as 7.51.1 and 2.14.0rc1.
var releases = regexp.MustCompile(`^(\d+)\.(\d+)(?:\.(\d+))?(?:(a|b|rc)(\d+))?$`)

type pythonPackage struct {
	Name    string
	Version string
	// Plugin is the package's pulumi-plugin.json, if it has one.
	Plugin *plugin.PulumiPluginJSON
}

// requiredPackages returns the plugins that the packages of an environment need.
func requiredPackages(ctx context.Context, environment *environment) ([]*pulumirpc.PackageDependency, error) {
	command, err := environment.Command(ctx, "-c", listPackages)
	if err != nil {
		return nil, err
	}
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s cannot list the packages of the program's environment: %w", command.Path, err)
	}
	var packages []pythonPackage
	if err := json.Unmarshal(output, &packages); err != nil {
		return nil, fmt.Errorf("the packages of the program's environment cannot be read: %w", err)
	}
	var dependencies []*pulumirpc.PackageDependency
	for _, installed := range packages {
		if dependency := installed.dependency(); dependency != nil {
			dependencies = append(dependencies, dependency)
		}
	}
	return dependencies, nil
}

// dependency returns the plugin of a package, or nil if it has none or does not tell the version.
func (installed pythonPackage) dependency() *pulumirpc.PackageDependency {
	about := installed.Plugin
	if about == nil {
		about = &plugin.PulumiPluginJSON{Resource: true}
	}
	name, release := about.Name, strings.TrimPrefix(about.Version, "v")
	if name == "" {
		name = strings.TrimPrefix(installed.Name, "pulumi-")
	}
	if release == "" {
		release = pluginVersion(installed.Version)
	}
	if !about.Resource || release == "" {
		return nil
	}
	dependency := &pulumirpc.PackageDependency{
		Name: name, Version: "v" + release, Kind: "resource", Server: about.Server,
	}
	if parameter := about.Parameterization; parameter != nil {
		dependency.Parameterization = &pulumirpc.PackageParameterization{
			Name: parameter.Name, Version: parameter.Version, Value: parameter.Value,
		}
	}
	return dependency
}

// pluginVersion returns the version of a plugin by that of its Python package; empty if that does not tell it.
func pluginVersion(release string) string {
	parts := releases.FindStringSubmatch(release)
	if parts == nil {
		return ""
	}
	if parts[3] == "" {
		parts[3] = "0"
	}
	result := strings.Join(parts[1:4], ".")
	if parts[4] != "" {
		result += "-" + map[string]string{"a": "alpha", "b": "beta", "rc": "rc"}[parts[4]] + "." + parts[5]
	}
	return result
}
