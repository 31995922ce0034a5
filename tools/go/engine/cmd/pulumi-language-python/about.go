package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// tellVersions prints which Python and which pip an environment has.
//
//go:embed about.py
var tellVersions string

// about returns the Python that runs a program, and the version of its toolchain. The engine asks before each preview
// and each update. The SDK starts pip to ask for its version, which takes 0.3 s of CPU time; importing it takes 0.02 s.
func (environment *environment) about(ctx context.Context) (toolchain.Info, error) {
	if fmt.Sprintf("%T", environment.Toolchain) != "*toolchain.pip" { // the SDK exports neither the type nor what auto is
		return environment.About(ctx)
	}
	command, err := environment.Command(ctx, "-c", tellVersions)
	if err != nil {
		return toolchain.Info{}, err
	}
	output, err := command.Output()
	if err != nil {
		return toolchain.Info{}, fmt.Errorf("%s cannot tell its version: %w", command.Path, err)
	}
	var versions struct{ Executable, Python, Pip string }
	if err := json.Unmarshal(output, &versions); err != nil {
		return toolchain.Info{}, fmt.Errorf("the versions of Python and pip cannot be read: %w", err)
	}
	info := toolchain.Info{PythonExecutable: versions.Executable}
	if info.PythonVersion, err = toolchain.ParsePythonVersion(versions.Python); err != nil {
		logging.V(9).Infof("the version of Python: %v", err) // as in the SDK, a version that is not there is no error
	}
	if info.ToolchainVersion, err = toolchain.ParsePipVersion(versions.Pip); err != nil {
		logging.V(9).Infof("the version of pip: %v", err)
	}
	return info, nil
}
