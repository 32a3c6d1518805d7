"""Conan's test of the package: what a user of each target that was asked for compiles, and runs."""

from pathlib import Path

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout


class AuraioTestConan(ConanFile):
    settings = "os", "compiler", "build_type", "arch"
    test_type = "explicit"

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires(self.tested_reference_str)

    def generate(self):
        options = self.dependencies["auraio"].options
        toolchain = CMakeToolchain(self)
        targets = [t for t, option in (("auraio", options.standalone), ("adopt", options.standalone), ("boost", options.boost),
                                       ("boost_adopt", options.boost), ("c", options.c), ("cpp", options.c)) if option]
        toolchain.cache_variables["TARGETS"] = ";".join(targets)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self):
        if can_run(self):
            for program in sorted(Path(self.cpp.build.bindir).glob("test_*")):
                self.run(f"{program} {__file__}", env="conanrun")
