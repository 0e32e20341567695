/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief GET of a collection and of one document, the same for every resource.
 *
 *  Source: TM Forum TMF630 part 1 (200 for partial pages too, X-Total-Count, X-Result-Count).
 *  Threads: as front_http.h. Allocates: the reply; for a sorted list one key a matching document.
 *  Cost: a walk over the collection: X-Total-Count counts every match.
 */
#ifndef TG_FRONT_LIST_H
#define TG_FRONT_LIST_H

#include "front_http.h"

#define TG_FRONT_SORT_MAX 200000u /**< Matches a sorted list may have; more is a 400. */

/** @brief Answer with a page of route->collection. @param request Request. @param reply Reply. */
void tg_front_list(const struct tg_front_request *request, struct tg_front_reply *reply);

/** @brief Answer with one document, 404 without. @param request Request. @param reply Reply. */
void tg_front_item(const struct tg_front_request *request, struct tg_front_reply *reply);

#endif
