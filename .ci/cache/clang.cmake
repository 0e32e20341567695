# SPDX-License-Identifier: Apache-2.0
# One clang build for three questions: does clang find nothing, do the tests hold under ASan and
# UBSan, do the fuzz targets. Unoptimised code would run a third as many inputs a second.
set(CMAKE_C_COMPILER clang CACHE STRING "")
set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(CMAKE_C_FLAGS -Wdocumentation CACHE STRING "")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g1" CACHE STRING "")
set(TG_SANITIZE ON CACHE BOOL "")
set(TG_FUZZ ON CACHE BOOL "")
