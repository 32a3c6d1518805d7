# Finds liburing: target liburing::liburing. Only the component `headers` asks for liburing.h, which auraio's
# own build needs and the programs linking it do not.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(PC_liburing QUIET liburing)
endif()
find_library(liburing_LIBRARY NAMES uring HINTS ${PC_liburing_LIBRARY_DIRS})
find_path(liburing_INCLUDE_DIR NAMES liburing.h HINTS ${PC_liburing_INCLUDE_DIRS})
mark_as_advanced(liburing_LIBRARY liburing_INCLUDE_DIR)

set(liburing_required liburing_LIBRARY)
if(headers IN_LIST liburing_FIND_COMPONENTS)
    list(APPEND liburing_required liburing_INCLUDE_DIR)
    if(liburing_INCLUDE_DIR)
        set(liburing_headers_FOUND TRUE)
    endif()
endif()
if(PC_liburing_VERSION)
    set(liburing_VERSION "${PC_liburing_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(liburing
    REQUIRED_VARS ${liburing_required} VERSION_VAR liburing_VERSION HANDLE_COMPONENTS
    REASON_FAILURE_MESSAGE "auraio needs liburing 2.3 or later, to build also its headers (Debian: liburing-dev)")
unset(liburing_required)

if(liburing_FOUND AND NOT TARGET liburing::liburing)
    add_library(liburing::liburing UNKNOWN IMPORTED)
    set_target_properties(liburing::liburing PROPERTIES IMPORTED_LOCATION "${liburing_LIBRARY}")
    if(liburing_INCLUDE_DIR)
        target_include_directories(liburing::liburing INTERFACE "${liburing_INCLUDE_DIR}")
    endif()
endif()
