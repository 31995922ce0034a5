package main

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/pulumi/inflector"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// packageSchema describes the plugin for `pulumi package get-schema` and for programs in YAML. The bridge's own code
// generator, which makes the schema of the official plugin, cannot be built here; the names are the same, as both ask
// the bridge for them.
func packageSchema(info tfbridge.ProviderInfo) schema.PackageSpec {
	types := typeMaker{}
	configuration, required := types.inputs(scope{"config", ""}, info.P.Schema(), info.Config)
	spec := schema.PackageSpec{
		Name:      info.Name,
		Version:   info.Version,
		Meta:      &schema.MetadataSpec{ModuleFormat: "(.*)(?:/[^/]*)"}, // the s3 of aws:s3/bucket:Bucket
		Types:     types,
		Config:    schema.ConfigSpec{Variables: configuration},
		Provider:  schema.ResourceSpec{InputProperties: configuration, RequiredInputs: required},
		Resources: map[string]schema.ResourceSpec{},
		Functions: map[string]schema.FunctionSpec{},
	}
	for _, name := range slices.Sorted(maps.Keys(info.Resources)) {
		resource := info.Resources[name]
		upstream := info.P.ResourcesMap().Get(name).Schema()
		here := scope{moduleOf(tokens.ModuleMember(resource.Tok)), string(resource.Tok.Name())}
		var described schema.ResourceSpec
		described.InputProperties, described.RequiredInputs = types.inputs(here, upstream, resource.Fields)
		described.Properties, described.Required = types.properties(here, upstream, resource.Fields, output)
		delete(described.Properties, "id") // every resource has one without saying so
		described.Required = slices.DeleteFunc(described.Required, func(name string) bool { return name == "id" })
		spec.Resources[string(resource.Tok)] = described
	}
	for name, function := range info.DataSources {
		upstream := info.P.DataSourcesMap().Get(name).Schema()
		here := scope{moduleOf(function.Tok), string(function.Tok.Name())}
		var inputs, outputs schema.ObjectTypeSpec
		inputs.Properties, inputs.Required = types.inputs(here, upstream, function.Fields)
		outputs.Properties, outputs.Required = types.properties(here, upstream, function.Fields, output)
		if !info.P.(muxed).DataSourceIsPF(name) { // in the older of Terraform's libraries, all have one without saying so
			outputs.Properties["id"] = schema.PropertySpec{TypeSpec: schema.TypeSpec{Type: "string"}}
		}
		spec.Functions[string(function.Tok)] = schema.FunctionSpec{Inputs: &inputs, Outputs: &outputs}
	}
	return spec
}

// typeMaker collects the nested types, by their tokens.
type typeMaker map[string]schema.ComplexTypeSpec

// scope is where a property stands: its module, and the name of the type that has it.
type scope struct{ module, typeName string }

type direction bool

const (
	input  direction = false
	output direction = true
)

// inputs are the properties of a resource or a function that may be given.
func (t typeMaker) inputs(
	here scope, upstream shim.SchemaMap, fields map[string]*tfbridge.SchemaInfo,
) (map[string]schema.PropertySpec, []string) {
	properties, required := t.properties(here, upstream, fields, input)
	upstream.Range(func(field string, property shim.Schema) bool {
		if !property.Optional() && !property.Required() || isComputedOnly(fields[field]) {
			delete(properties, tfbridge.TerraformToPulumiNameV2(field, upstream, fields))
		}
		return true
	})
	return properties, required
}

func (t typeMaker) properties(
	here scope, upstream shim.SchemaMap, fields map[string]*tfbridge.SchemaInfo, to direction,
) (map[string]schema.PropertySpec, []string) {
	properties, required := map[string]schema.PropertySpec{}, []string{}
	upstream.Range(func(field string, property shim.Schema) bool {
		info := fields[field]
		if info == nil {
			info = &tfbridge.SchemaInfo{}
		}
		if info.Omit {
			return true
		}
		name := tfbridge.TerraformToPulumiNameV2(field, upstream, fields)
		described := schema.PropertySpec{TypeSpec: t.property(here, name, property, info, to)}
		described.Secret = property.Sensitive() || info.Secret != nil && *info.Secret
		if described.DeprecationMessage = property.Deprecated(); info.DeprecationMessage != "" {
			described.DeprecationMessage = info.DeprecationMessage
		}
		properties[name] = described
		if isRequired(property, info, to) {
			required = append(required, name)
		}
		return true
	})
	slices.Sort(required)
	return properties, required
}

func isComputedOnly(info *tfbridge.SchemaInfo) bool {
	return info != nil && info.MarkAsComputedOnly != nil && *info.MarkAsComputedOnly
}

func isRequired(property shim.Schema, info *tfbridge.SchemaInfo, to direction) bool {
	if info.MarkAsOptional != nil {
		return !*info.MarkAsOptional
	}
	if to == output {
		return property.Computed() || !property.Optional() || info.Default != nil
	}
	return !property.Computed() && !property.Optional() && info.Default == nil
}

func (t typeMaker) property(
	here scope, name string, property shim.Schema, info *tfbridge.SchemaInfo, to direction,
) schema.TypeSpec {
	switch {
	case info.Asset != nil:
		return schema.TypeSpec{Ref: "pulumi.json#/Asset"}
	case info.Transform != nil && to == input: // a document, as a string or as a dictionary
		anything := schema.TypeSpec{Type: "object", AdditionalProperties: &schema.TypeSpec{Ref: "pulumi.json#/Any"}}
		return schema.TypeSpec{OneOf: []schema.TypeSpec{{Type: "string"}, anything}}
	case info.Type != "":
		return schema.TypeSpec{Type: string(info.Type)}
	}
	switch property.Type() {
	case shim.TypeBool:
		return schema.TypeSpec{Type: "boolean"}
	case shim.TypeInt:
		return schema.TypeSpec{Type: "integer"}
	case shim.TypeFloat:
		return schema.TypeSpec{Type: "number"}
	case shim.TypeString:
		return schema.TypeSpec{Type: "string"}
	case shim.TypeList, shim.TypeSet:
		if tfbridge.IsMaxItemsOne(property, info) {
			return t.element(here, name, property.Elem(), info.Elem, to)
		}
		element := t.element(here, inflector.Singularize(name), property.Elem(), info.Elem, to)
		return schema.TypeSpec{Type: "array", Items: &element}
	case shim.TypeMap:
		if _, ok := property.Elem().(shim.Resource); ok { // a single nested object
			return t.element(here, name, property.Elem(), info, to)
		}
		element := t.element(here, name, property.Elem(), info.Elem, to)
		return schema.TypeSpec{Type: "object", AdditionalProperties: &element}
	default:
		return schema.TypeSpec{Ref: "pulumi.json#/Any"}
	}
}

func (t typeMaker) element(
	here scope, name string, element any, info *tfbridge.SchemaInfo, to direction,
) schema.TypeSpec {
	if info == nil {
		info = &tfbridge.SchemaInfo{}
	}
	switch element := element.(type) {
	case shim.Schema:
		return t.property(here, name, element, info, to)
	case shim.Resource:
		nested := scope{here.module, here.typeName + upperFirst(name)}
		object := schema.ObjectTypeSpec{Type: "object"}
		object.Properties, object.Required = t.properties(nested, element.Schema(), info.Fields, to)
		token := "aws:" + nested.module + "/" + nested.typeName + ":" + nested.typeName
		// What inputs require is what counts. Two types can make the same name; then the later one counts, as in the package.
		if _, ok := t[token]; !ok || to == input {
			t[token] = schema.ComplexTypeSpec{ObjectTypeSpec: object}
		}
		return schema.TypeSpec{Ref: "#/types/" + token}
	default:
		return schema.TypeSpec{Type: "string"}
	}
}

// moduleOf takes sagemaker out of aws:sagemaker/endpoint:Endpoint.
func moduleOf(token tokens.ModuleMember) string {
	module, _, _ := strings.Cut(string(token.Module().Name()), "/")
	return module
}

func upperFirst(name string) string {
	runes := []rune(name)
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}
