package main

import (
	"encoding/json"
	"fmt"
)

// outputs returns the root module's outputs of a Terraform state, format version 4.
func outputs(state []byte) (map[string]any, error) {
	var file struct {
		Version       int             `json:"version"`
		EncryptedData json.RawMessage `json:"encrypted_data"`
		Outputs       map[string]struct {
			Value any `json:"value"`
		} `json:"outputs"`
	}
	if err := json.Unmarshal(state, &file); err != nil {
		return nil, fmt.Errorf("the Terraform state is not valid JSON (cut off?): %w", err)
	}
	if len(file.EncryptedData) > 0 {
		return nil, fmt.Errorf("the state is encrypted by OpenTofu and cannot be read without its keys")
	}
	if file.Version != 4 {
		return nil, fmt.Errorf("the Terraform state has format version %d; only 4 can be read (Terraform 0.12 and newer)", file.Version)
	}
	values := make(map[string]any, len(file.Outputs))
	for name, output := range file.Outputs {
		values[name] = output.Value
	}
	return values, nil
}
