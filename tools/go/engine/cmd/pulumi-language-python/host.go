package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/protobuf/types/known/emptypb"
)

// The executor ends so when it has told the user already what is wrong with the program.
const exitedAfterMessage = 32

// host answers what the engine asks of a language.
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	// executor is the script, of the SDK's version, that runs a program.
	executor string
	// engine and tracing are addresses that the executor is told.
	engine, tracing string
}

// GetPluginInfo returns the host's version.
func (host *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

// GetRequiredPackages returns the plugins that the packages of a program's environment need. It makes the environment
// first if there is none.
func (host *host) GetRequiredPackages(
	ctx context.Context, request *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	environment, err := environmentOf(request.Info)
	if err != nil {
		return nil, err
	}
	if err := environment.EnsureVenv(
		ctx, request.Info.ProgramDirectory, false, true, os.Stdout, os.Stderr,
	); err != nil {
		return nil, err
	}
	if err := environment.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	dependencies, err := requiredPackages(ctx, environment)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.GetRequiredPackagesResponse{Packages: dependencies}, nil
}

// Run runs a program, whose output is this process's: the engine shows it.
func (host *host) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	environment, err := environmentOf(request.Info)
	if err != nil {
		return nil, err
	}
	if err := environment.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	if problem := environment.typecheck(ctx, request.Info); problem != "" {
		return &pulumirpc.RunResponse{Error: problem}, nil
	}
	command, err := environment.Command(ctx, host.arguments(request)...)
	if err != nil {
		return nil, err
	}
	settings, err := configuration(request)
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Env = append(command.Environ(), settings...)
	err = command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case errors.As(err, &exit) && exit.ExitCode() == exitedAfterMessage:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case errors.As(err, &exit) && exit.Exited():
		return &pulumirpc.RunResponse{
			Error: fmt.Sprintf("program exited with non-zero exit code: %d", exit.ExitCode()),
		}, nil
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program could not be run to its end: %v", err)}, nil
	}
}

// arguments returns the executor with what it takes.
func (host *host) arguments(request *pulumirpc.RunRequest) []string {
	arguments := []string{host.executor}
	for _, option := range [][2]string{
		{"--monitor", request.MonitorAddress},
		{"--engine", host.engine},
		{"--project", request.Project},
		{"--root_directory", request.Info.RootDirectory},
		{"--stack", request.Stack},
		{"--pwd", request.Pwd},
		{"--dry_run", strconv.FormatBool(request.DryRun)},
		{"--parallel", strconv.Itoa(int(request.Parallel))},
		{"--tracing", host.tracing},
		{"--organization", request.Organization},
	} {
		if option[1] != "" {
			arguments = append(arguments, option[0], option[1])
		}
	}
	return append(append(arguments, entryPoint(request.Info)), request.Args...)
}

// configuration returns the variables in which a program finds its configuration.
func configuration(request *pulumirpc.RunRequest) ([]string, error) {
	config, keys := request.Config, request.ConfigSecretKeys
	if config == nil { // an empty one crosses the wire as none
		config = map[string]string{}
	}
	if keys == nil {
		keys = []string{}
	}
	values, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	return []string{"PULUMI_CONFIG=" + string(values), "PULUMI_CONFIG_SECRET_KEYS=" + string(secretKeys)}, nil
}

// InstallDependencies makes a program's environment with all that it requires, for pulumi install and pulumi new.
func (host *host) InstallDependencies(
	request *pulumirpc.InstallDependenciesRequest, server pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	environment, err := environmentOf(request.Info)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(server, request.IsTerminal)
	if err != nil {
		return err
	}
	defer closer.Close()
	if err := environment.InstallDependencies(
		server.Context(), request.Info.ProgramDirectory, request.UseLanguageVersionTools, true, stdout, stderr,
	); err != nil {
		return err
	}
	return closer.Close()
}

// Template makes a project that is new fit for its toolchain.
func (host *host) Template(
	ctx context.Context, request *pulumirpc.TemplateRequest,
) (*pulumirpc.TemplateResponse, error) {
	environment, err := environmentOf(request.Info)
	if err != nil {
		return nil, err
	}
	err = environment.PrepareProject(
		ctx, request.ProjectName, request.Info.ProgramDirectory, false, os.Stdout, os.Stderr,
	)
	return &pulumirpc.TemplateResponse{}, err
}

// About says which Python runs a program, for pulumi about and for the record of each update.
func (host *host) About(ctx context.Context, request *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	environment, err := environmentOf(request.Info)
	if err != nil {
		return nil, err
	}
	info, err := environment.about(ctx)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AboutResponse{
		Executable: info.PythonExecutable,
		Version:    info.PythonVersion.String(),
		Metadata: map[string]string{
			"toolchain":        toolchain.Name(environment.options.Toolchain),
			"toolchainVersion": info.ToolchainVersion.String(),
			"typechecker":      toolchain.TypeCheckerName(environment.options.Typechecker),
		},
	}, nil
}

// GetProgramDependencies lists a program's packages, for pulumi about.
func (host *host) GetProgramDependencies(
	ctx context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	environment, err := environmentOf(request.Info)
	if err != nil {
		return nil, err
	}
	packages, err := environment.ListPackages(ctx, request.TransitiveDependencies)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetProgramDependenciesResponse{}
	for _, dependency := range packages {
		response.Dependencies = append(
			response.Dependencies, &pulumirpc.DependencyInfo{Name: dependency.Name, Version: dependency.Version},
		)
	}
	return response, nil
}

// RunPlugin runs a plugin that is written in Python, in the environment of the plugin.
func (host *host) RunPlugin(
	request *pulumirpc.RunPluginRequest, server pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	ctx := server.Context()
	environment, err := environmentOf(request.Info)
	if err != nil {
		return err
	}
	if err := environment.ValidateVenv(ctx); err != nil {
		return err
	}
	program := filepath.Join(request.Info.ProgramDirectory, entryPoint(request.Info))
	command, err := environment.Command(ctx, append([]string{program}, request.Args...)...)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(server, false)
	if err != nil {
		return err
	}
	defer closer.Close()
	virtualenv, err := environment.VirtualEnvPath(ctx)
	if err != nil {
		return err
	}
	if len(request.Env) > 0 {
		command.Env = request.Env
		if virtualenv != "" {
			command.Env = toolchain.ActivateVirtualEnv(request.Env, virtualenv)
		}
	}
	command.Dir, command.Stdout, command.Stderr = request.Pwd, stdout, stderr
	err = command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return server.Send(&pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())},
		})
	}
	if err != nil {
		return fmt.Errorf("the plugin %s could not be run to its end: %w", request.Name, err)
	}
	return closer.Close()
}

func entryPoint(info *pulumirpc.ProgramInfo) string {
	if strings.TrimSpace(info.EntryPoint) == "" {
		return "."
	}
	return info.EntryPoint
}
