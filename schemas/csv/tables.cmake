# SPDX-License-Identifier: Apache-2.0
# fields.tsv becomes csv_fields.def in TG_GEN_DECODERS, at configure time.
set(tg_csv_schema ${CMAKE_CURRENT_LIST_DIR})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${tg_csv_schema}/fields.tsv ${tg_csv_schema}/gen.awk)
execute_process(COMMAND awk -f ${tg_csv_schema}/gen.awk ${tg_csv_schema}/fields.tsv
                OUTPUT_FILE ${TG_GEN_DECODERS}/csv_fields.def
                COMMAND_ERROR_IS_FATAL ANY)
