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
        "c": [True, False],
        "tools": [True, False],
    }
    default_options = {"shared": False, "fPIC": True, "standalone": True, "boost": False, "c": True, "tools": False}
    implements = ["auto_shared_fpic"]
    exports_sources = (
        "CMakeLists.txt", "LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "cmake/*", "include/*", "src/*", "doc/*", "example/*"
    )

    def set_version(self):
        header = (Path(self.recipe_folder) / "include" / "auraio" / "aura.h").read_text()
        self.version = ".".join(re.findall(r"#define AURA_VERSION_\w+ (\d+)", header))

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
        if self.options.tools and not self.options.c:
            raise ConanInvalidConfiguration("auraio: the tools are programs of the C library")

    def generate(self):
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "BENCHMARKS", "EXAMPLES"):
            toolchain.cache_variables[f"AURAIO_BUILD_{part}"] = False
        toolchain.cache_variables["AURAIO_BUILD_C"] = bool(self.options.c)
        toolchain.cache_variables["AURAIO_BUILD_TOOLS"] = bool(self.options.tools)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, str(Path(self.package_folder) / "licenses"))
        CMake(self).install()
        # Conan writes its own files for the users of the package, and wants no documentation in it.
        rmdir(self, str(Path(self.package_folder) / "share"))
        rmdir(self, str(Path(self.package_folder) / "lib" / "cmake"))
        rmdir(self, str(Path(self.package_folder) / "lib" / "pkgconfig"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "auraio")
        core = self.cpp_info.components["core"]
        core.libs = ["auraio-core"]
        core.requires = ["liburing::liburing"]
        core.system_libs = ["pthread", "dl"]
        core.set_property("cmake_target_name", "auraio::core")
        core.set_property("pkg_config_name", "auraio-core")
        if self.options.standalone:
            self._flavour("auraio", "adopt", "asio::asio", ["AURAIO_FLAVOUR_STANDALONE", "ASIO_HAS_STD_ALIGNED_ALLOC=1"])
        if self.options.boost:
            self._flavour("boost", "boost_adopt", "boost::headers", ["AURAIO_FLAVOUR_BOOST"])
        if self.options.c:
            # The engine is inside; liburing.so, where that is what liburing is, has to be found at run time.
            c = self.cpp_info.components["c"]
            c.libs = ["auraio-c"]
            c.requires = ["liburing::liburing"]
            c.set_property("cmake_target_name", "auraio::c")
            c.set_property("pkg_config_name", "auraio-c")
            self._headers("cpp", "auraio-cpp").requires = ["c"]

    def _flavour(self, name, adopt_name, headers, defines):
        """The headers over one Asio, and its adopt mode, where auraio/adopt.hpp comes first in every source file."""
        flavour = self._headers(name, "auraio" if name == "auraio" else f"auraio-{name}")
        flavour.requires = ["core", headers]
        flavour.defines = defines
        adopt = self._headers(adopt_name, f"auraio-{adopt_name.replace('_', '-')}")
        adopt.requires = [name]
        adopt.defines = ["AURAIO_ADOPT"]
        adopt.cxxflags = ["-include", "auraio/adopt.hpp"]

    def _headers(self, name, pkg_config_name):
        component = self.cpp_info.components[name]
        component.libdirs = []
        component.set_property("cmake_target_name", f"auraio::{name}")
        component.set_property("pkg_config_name", pkg_config_name)
        return component
