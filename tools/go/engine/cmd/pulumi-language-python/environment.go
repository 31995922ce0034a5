package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// environment is the Python environment of a program or a plugin.
type environment struct {
	toolchain.Toolchain

	options toolchain.PythonOptions
}

// environmentOf returns the environment that the options of a project's Pulumi.yaml name, or a plugin's
// PulumiPlugin.yaml. Without any, it is that of the uv.lock or poetry.lock beside the program, or the Python on PATH.
func environmentOf(info *pulumirpc.ProgramInfo) (*environment, error) {
	options, err := optionsOf(info)
	if err != nil {
		return nil, err
	}
	resolved, err := toolchain.ResolveToolchain(options)
	if err != nil {
		return nil, err
	}
	return &environment{resolved, options}, nil
}

func optionsOf(info *pulumirpc.ProgramInfo) (toolchain.PythonOptions, error) {
	options := toolchain.PythonOptions{Root: info.RootDirectory, ProgramDir: info.ProgramDirectory}
	texts := map[string]string{}
	for name, value := range info.Options.AsMap() {
		text, isText := value.(string)
		if !isText {
			return options, fmt.Errorf("the runtime's option %s must be a text, not %v", name, value)
		}
		texts[name] = text
	}
	options.Virtualenv = texts["virtualenv"]
	switch texts["toolchain"] {
	case "":
		options.Toolchain = toolchain.Auto
	case "pip":
		options.Toolchain = toolchain.Pip
	case "poetry":
		options.Toolchain = toolchain.Poetry
	case "uv":
		options.Toolchain = toolchain.Uv
	default:
		return options, fmt.Errorf("the runtime's option toolchain must be pip, poetry or uv, not %s", texts["toolchain"])
	}
	switch texts["typechecker"] {
	case "", "none":
		options.Typechecker = toolchain.TypeCheckerNone
	case "mypy":
		options.Typechecker = toolchain.TypeCheckerMypy
	case "pyright":
		options.Typechecker = toolchain.TypeCheckerPyright
	default:
		return options, fmt.Errorf(
			"the runtime's option typechecker must be mypy, pyright or none, not %s", texts["typechecker"],
		)
	}
	return options, nil
}

// typecheck returns what the type checker of the options finds wrong with a program, if one is set.
func (environment *environment) typecheck(ctx context.Context, info *pulumirpc.ProgramInfo) string {
	if environment.options.Typechecker == toolchain.TypeCheckerNone {
		return ""
	}
	name := strings.ToLower(toolchain.TypeCheckerName(environment.options.Typechecker))
	command, err := environment.ModuleCommand(ctx, name, filepath.Join(info.ProgramDirectory, entryPoint(info)))
	if err != nil {
		return err.Error()
	}
	command.Dir = info.ProgramDirectory
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Sprintf(
			"%s, the typechecker of the project, found a problem or is not among the packages that it requires:\n%s",
			name, output,
		)
	}
	return ""
}
