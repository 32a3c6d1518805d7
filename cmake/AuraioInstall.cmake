# Installation: headers, library, one CMake package with a component (of find_package) per target, one pkg-config file per target.
include(CMakePackageConfigHelpers)

set(AURAIO_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/auraio")

# What is installed, in four components: runtime (shared objects), development (all that compiles against them), tools, doc.
if(AURAIO_HAS_C)
    set(headers_of_c "")
else()
    set(headers_of_c PATTERN "aura*.h" EXCLUDE PATTERN "aura.hpp" EXCLUDE PATTERN "cpp" EXCLUDE)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
    ${headers_of_c})

# An export set for each target: one flavour can be used where the other's headers are not installed.
set(targets core auraio boost adopt boost_adopt)
if(AURAIO_HAS_C)
    list(APPEND targets c cpp)
endif()
foreach(target IN LISTS targets)
    install(TARGETS auraio_${target} EXPORT auraio-${target}-targets
        LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
        ARCHIVE COMPONENT development)
    install(EXPORT auraio-${target}-targets NAMESPACE auraio::
        DESTINATION "${AURAIO_CMAKE_DIR}" COMPONENT development)
endforeach()

if(AURAIO_BUILD_TOOLS AND NOT AURAIO_STOCK)
    install(PROGRAMS "${PROJECT_SOURCE_DIR}/tools/top/auraio-top" DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT tools)
    install(FILES "${PROJECT_SOURCE_DIR}/tools/top/auraio-top.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT tools)
endif()

file(GLOB documents CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/doc/*.*") # folders are for the site: tools/build-doc.sh
install(FILES "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/CHANGELOG.md" "${PROJECT_SOURCE_DIR}/SECURITY.md"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT doc)
install(FILES ${documents} DESTINATION "${CMAKE_INSTALL_DOCDIR}/doc" COMPONENT doc)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/example" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT doc USE_SOURCE_PERMISSIONS)

get_target_property(AURAIO_CORE_TYPE auraio_core TYPE)
configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/auraio-config.cmake.in" "${PROJECT_BINARY_DIR}/auraio-config.cmake"
    INSTALL_DESTINATION "${AURAIO_CMAKE_DIR}"
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/auraio-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/auraio-config.cmake"
    "${PROJECT_BINARY_DIR}/auraio-config-version.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindAsio.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/Findliburing.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/AuraioFindBoost.cmake"
    DESTINATION "${AURAIO_CMAKE_DIR}" COMPONENT development)

# Who links a static core has to link liburing as well, without being asked for --static.
set(AURAIO_PC_CFLAGS "")
if(AURAIO_STOCK)
    set(AURAIO_PC_CFLAGS "-DAURAIO_STOCK")
    set(AURAIO_PC_LIBS "-pthread")
elseif(AURAIO_CORE_TYPE STREQUAL "STATIC_LIBRARY")
    set(AURAIO_PC_LIBS "-lauraio-core -luring -ldl -pthread")
else()
    set(AURAIO_PC_LIBS "-lauraio-core")
endif()
# Relative to the file itself, so that `cmake --install --prefix` and moved trees work.
file(RELATIVE_PATH AURAIO_PC_PREFIX "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
file(RELATIVE_PATH AURAIO_PC_LIBDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH AURAIO_PC_INCLUDEDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
set(pkg_config_files auraio-core auraio auraio-boost auraio-adopt auraio-boost-adopt)
if(AURAIO_HAS_C)
    list(APPEND pkg_config_files auraio-c auraio-cpp)
endif()
foreach(file IN LISTS pkg_config_files)
    configure_file("${PROJECT_SOURCE_DIR}/cmake/${file}.pc.in" "${PROJECT_BINARY_DIR}/${file}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${file}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
        COMPONENT development)
endforeach()
