"""The built-in transforms, one file each. They use only what `codemod` exports."""
