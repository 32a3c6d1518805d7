"""Conan 2 recipe of auraio: the compiled engine, and the headers of the flavours that are asked for."""

import re
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, rmdir


class AuraioConan(ConanFile):
    name = "auraio"
    description = "An io_uring execution context for Asio"
    license = "Apache-2.0"
    package_type = "library"
    settings = "os", "compiler", "build_type", "arch"
    options = {
        "shared": [True, False],
        "fPIC": [True, False],
        "standalone": [True, False],
        "boost": [True, False],
    }
    default_options = {"shared": False, "fPIC": True, "standalone": True, "boost": False}
    implements = ["auto_shared_fpic"]
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*"

    def set_version(self):
        cmake_lists = (Path(self.recipe_folder) / "CMakeLists.txt").read_text()
        self.version = re.search(r"project\(auraio\s+VERSION (\S+)", cmake_lists).group(1)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("liburing/[>=2.3 <3]")
        if self.options.standalone:
            self.requires("asio/[>=1.22.1 <2]", transitive_headers=True)
        if self.options.boost:
            self.requires("boost/[>=1.81 <2]", transitive_headers=True)

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("auraio needs Linux")
        check_min_cppstd(self, 20)

    def generate(self):
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "BENCHMARKS", "EXAMPLES"):
            toolchain.cache_variables[f"AURAIO_BUILD_{part}"] = False
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, str(Path(self.package_folder) / "licenses"))
        CMake(self).install()
        # Conan writes its own files for the users of the package.
        rmdir(self, str(Path(self.package_folder) / "lib" / "cmake"))
        rmdir(self, str(Path(self.package_folder) / "lib" / "pkgconfig"))

    def package_info(self):
        core = self.cpp_info.components["core"]
        core.libs = ["auraio-core"]
        core.requires = ["liburing::liburing"]
        core.system_libs = ["pthread"]
        core.set_property("cmake_target_name", "auraio::core")
        core.set_property("pkg_config_name", "auraio-core")
        if self.options.standalone:
            self._flavour("auraio", "auraio", "asio::asio")
        if self.options.boost:
            self._flavour("boost", "auraio-boost", "boost::headers").defines = ["AURAIO_FLAVOUR_BOOST"]

    def _flavour(self, name, pkg_config_name, headers):
        flavour = self.cpp_info.components[name]
        flavour.requires = ["core", headers]
        flavour.libdirs = []
        flavour.set_property("cmake_target_name", f"auraio::{name}")
        flavour.set_property("pkg_config_name", pkg_config_name)
        return flavour
