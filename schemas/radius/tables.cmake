# SPDX-License-Identifier: Apache-2.0
# attributes.tsv becomes radius_attributes.def in TG_GEN_DECODERS. Made at configure time, so that
# no target needs to depend on it; a change of the table or of the script configures again.
set(tg_radius_schema ${CMAKE_CURRENT_LIST_DIR})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${tg_radius_schema}/attributes.tsv ${tg_radius_schema}/gen.awk)
execute_process(COMMAND awk -f ${tg_radius_schema}/gen.awk ${tg_radius_schema}/attributes.tsv
                OUTPUT_FILE ${TG_GEN_DECODERS}/radius_attributes.def
                COMMAND_ERROR_IS_FATAL ANY)
