#!/usr/bin/env python3
# conan_recipe.py SOURCE_DIR VERSION TARGET=DEFINITION,...: what the recipe declares is what the CMake targets are. Conan itself,
# which no package of the distribution has, is stood in for: this runs set_version(), generate() and package_info(), and builds nothing.
import importlib.util
import sys
import types
from collections import defaultdict
from pathlib import Path


class Anything:
    """Takes every call and every attribute."""

    def __init__(self, *_, **__):
        self.cache_variables = {}

    def __getattr__(self, name):
        return lambda *_, **__: None


class Component:
    def __init__(self):
        self.libs, self.requires, self.defines, self.cxxflags, self.system_libs, self.properties = [], [], [], [], [], {}

    def set_property(self, name, value):
        self.properties[name] = value


class CppInfo(Component):
    def __init__(self):
        super().__init__()
        self.components = defaultdict(Component)


def load(path):
    for name in ("conan", "conan.errors", "conan.tools", "conan.tools.build", "conan.tools.cmake", "conan.tools.files"):
        module = types.ModuleType(name)
        module.__getattr__ = lambda _: Anything # from any of them, any name
        sys.modules[name] = module
    sys.modules["conan"].ConanFile = type("ConanFile", (), {})
    sys.modules["conan.errors"].ConanInvalidConfiguration = type("ConanInvalidConfiguration", (Exception,), {})
    spec = importlib.util.spec_from_file_location("recipe", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.AuraioConan


def main():
    source, version, *targets = sys.argv[1:]
    recipe = load(Path(source) / "conanfile.py")()
    recipe.recipe_folder = source
    recipe.set_version()
    assert recipe.version == version, f"the recipe's version is {recipe.version}, the project's {version}"

    recipe.options = types.SimpleNamespace(**{option: True for option in recipe.options})
    recipe.cpp_info = CppInfo()
    recipe.package_info()
    components = recipe.cpp_info.components
    expected = dict(t.split("=", 1) for t in targets)
    assert set(components) == set(expected), f"the recipe has {sorted(components)}, CMake {sorted(expected)}"
    for name, definitions in expected.items():
        component = components[name]
        wanted = sorted(filter(None, definitions.split(",")))
        assert sorted(component.defines) == wanted, f"{name}: the recipe defines {component.defines}, CMake {wanted}"
        assert component.properties["cmake_target_name"] == f"auraio::{name}"
        package = "auraio" if name == "auraio" else "auraio-" + name.replace("_", "-")
        assert component.properties["pkg_config_name"] == package
        assert (Path(source) / "cmake" / f"{package}.pc.in").exists(), f"{package} is no package of pkg-config's"
        own = [r for r in component.requires if "::" not in r]
        assert all(r in components for r in own), f"{name} requires {own}"
    for name in recipe.exports_sources:
        assert any(Path(source).glob(name)), f"exports_sources: there is no {name}"
    print("ok:", ", ".join(sorted(components)))


main()
