//! The same service as one writes it with tokio alone. It compiles, answers, and passes its tests.

use std::sync::Arc;

use axum::extract::State;

use crate::shop::{Failure, Line, Order, Shop};

/// `POST /orders`.
///
/// # Errors
///
/// Why the order was not placed.
pub async fn order(State(shop): State<Arc<Shop>>, body: String) -> Result<String, Failure> {
    let lines = Line::parse(&body)?;
    shop.enter();
    // A task of its own, so that a client that goes away does not cut the order off in the middle. It goes
    // on without the client instead, for as long as it takes.
    let placed = tokio::spawn(place(Arc::clone(&shop), lines)).await;
    // Behind an `.await`: not reached where the client goes away.
    shop.leave();
    placed?
}

async fn place(shop: Arc<Shop>, lines: Vec<Line>) -> Result<String, Failure> {
    let mut order = shop.begin().await?;
    match fill(&shop, &mut order, lines).await {
        Ok(total) => Ok(format!("order {}: {total}\n", order.commit(total).await?)),
        Err(failure) => {
            order.rollback().await?;
            Err(failure)
        }
    }
}

async fn fill(shop: &Shop, order: &mut Order, lines: Vec<Line>) -> Result<u32, Failure> {
    let mut asked = Vec::new();
    for line in lines {
        let price = tokio::spawn(shop.supplier.price(line.item.clone()));
        asked.push((line, price));
    }
    let mut total = 0;
    for (line, price) in asked {
        // Where this fails, the tasks of the lines below go on.
        let price = price.await??;
        order.reserve(&line).await?;
        total += price * line.amount;
    }
    Ok(total)
}
